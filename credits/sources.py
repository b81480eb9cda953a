"""What an entry came from: the charge of a seller, by that seller's own id, such as Shopify's gid.

New entries say it in `reference`. Entries written before they did name it in their key alone, and
their `reference` holds something else, so the forms of these keys are kept: a known key is found.
"""

from __future__ import annotations

from datetime import datetime

# What the key of every period that a charge paid begins with.
PERIOD = "period:"


def period_key(source: str, end: datetime) -> str:
    """The idempotency key of one billing period that a subscription paid."""
    return f"{period_keys(source)}{end.isoformat()}"


def period_keys(source: str) -> str:
    """What the keys of all billing periods of a subscription begin with."""
    return f"{PERIOD}{source}:"


def purchase_key(source: str) -> str:
    """The idempotency key of the package that a purchase paid."""
    return f"purchase:{source}"


def clawback_key(source: str) -> str:
    """The idempotency key of the adjustment that takes a reversed purchase back."""
    return f"clawback:{source}"


def names(key: str, source: str) -> bool:
    """Whether a key says by its form that its entry came from this source."""
    if not source:
        return False
    return key in (purchase_key(source), clawback_key(source)) or key.startswith(
        period_keys(source)
    )


def source_of(key: str, reference: str) -> str:
    """The seller's id of the charge that an entry came from, whichever way it says so; else empty."""
    if reference.startswith("gid://"):
        return reference
    form, _, rest = key.partition(":")
    if not rest.startswith("gid://") or form not in {"period", "purchase", "clawback"}:
        return ""
    # What a period's key has behind the id is its end, an instant.
    end = rest.find(":", len("gid://"))
    return rest[:end] if form == "period" and end > 0 else rest


def agree(known_key: str, known_reference: str, asked: str) -> bool:
    """Whether a known entry came from what is asked for, whichever way it says so."""
    return known_reference == asked or names(known_key, asked)
