"""What on a page follows from what: the one table by which open pages are kept true.

A part is an element that a template marks with `{% follows "its-name" %}`. When one of its sources
changes, the open page fetches itself again and puts the part's new text in place of the old
(`static/js/parts.js`). What stands outside every part must not depend on any source.

The sources are what `live` nudges about: `balance` (any ledger entry, or time that ends a period),
`plan` (what the stores hold at Shopify), `runs`, `cases` (restoration cases) and `approvals` (requests that
wait for an owner).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Source = Literal["balance", "plan", "runs", "cases", "approvals"]

PARTS: Mapping[str, tuple[Source, ...]] = {
    # On every page.
    "page-banner": ("balance", "plan", "runs"),
    "balance-button": ("balance",),
    "balance-details": ("balance", "plan"),
    "balance-purchase": ("plan",),
    # Home and Tools.
    "needs-you": ("balance", "runs", "cases", "approvals"),
    "set-up-guide": ("balance",),
    "balance-card": ("balance", "plan"),
    "recent-runs": ("balance", "runs"),
    "quick-start": ("balance",),
    "tool-suites": ("balance",),
    # Requests for an owner's word.
    "approvals": ("approvals",),
    "approval": ("balance", "approvals"),
    # Batches: all of them, one, and its review.
    "batches": ("runs",),
    "batch": ("balance", "runs"),
    "batch-review": ("runs",),
    # The gallery, a run, usage and the ledger.
    "gallery": ("balance", "runs"),
    "run-receipt": ("balance", "runs", "cases"),
    "usage-spans": ("balance",),
    "usage-report": ("balance",),
    "ledger-entries": ("balance",),
    "entry-receipt": ("balance", "runs", "cases"),
    # The assistant: drafts show what would pay for them.
    "assist-talk": ("balance",),
    # Plans.
    "billing": ("balance", "plan"),
}

# Found in the answer of `banner` too, so that a page with no other stale part is not built again.
SHELL: frozenset[str] = frozenset(
    {"page-banner", "balance-button", "balance-details", "balance-purchase"}
)
