"""The ledger as CSV, streamed entry by entry behind a signed link.

What belongs to a run (its size, its product) is not the ledger's to know: the caller hands in
`describe`, which answers for a chunk of spends at once.
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.core import signing
from django.urls import reverse

from credits import history
from credits.models import Account, LedgerEntry
from credits.people import person_names

LINK_SECONDS = 15 * 60
_SALT = "ledger-export"

COLUMNS = (
    "sequence", "utc_time", "local_time", "zone", "entry_type", "credits", "plan_part",
    "package_part", "plan_after", "package_after", "balance_after", "tool",
    "resolution_or_seconds", "product_id", "product_title", "run_id", "person", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunDetails:
    """What an export says about the run that a spend paid for."""

    run_id: str = ""
    size: str = ""
    product_id: str = ""
    product_title: str = ""


# Takes the ids of spends, returns the details of those that paid for a run.
Describe = Callable[[Sequence[int]], Mapping[int, RunDetails]]


def link(account: Account, first: date, after: date) -> str:
    """A link that downloads these local days' entries, good for 15 minutes.

    A download inside Shopify's admin carries no session token, so the link itself is the proof.
    """
    token = signing.dumps([account.pk, first.isoformat(), after.isoformat()], salt=_SALT)
    return reverse("export", args=[token])


def open_link(token: str) -> tuple[Account, date, date]:
    """What a link names. Raises signing.BadSignature when forged or too old."""
    account_id, first, after = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    account = Account.objects.get(pk=account_id)
    return account, date.fromisoformat(first), date.fromisoformat(after)


def file_name(first: date, after: date) -> str:
    """The name that the download is saved under."""
    return f"ecomvance-ledger-{first.isoformat()}-to-{after - timedelta(days=1)}.csv"


def rows(account: Account, first: date, after: date, describe: Describe) -> Iterator[str]:
    """CSV text in pieces, the header first; a piece holds at most one chunk of entries."""
    yield _csv([COLUMNS])
    for chunk in history.entries_between(account.pk, first, after):
        yield _csv(_cells(account, chunk, describe))


async def rows_async(
    account: Account, first: date, after: date, describe: Describe
) -> AsyncIterator[str]:
    """The same pieces for an asynchronous server, which would otherwise collect them all first."""
    pieces = rows(account, first, after, describe)
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece


def _cells(
    account: Account, chunk: Sequence[LedgerEntry], describe: Describe
) -> Iterator[tuple[object, ...]]:
    runs = describe([entry.pk for entry in chunk if entry.kind == LedgerEntry.Kind.SPEND])
    names = person_names({entry.actor for entry in chunk})
    zone = ZoneInfo(account.time_zone)
    for entry in chunk:
        run = runs.get(entry.pk, RunDetails())
        note = getattr(entry, "note", None)
        yield (
            entry.sequence,
            entry.created_at.astimezone(UTC).isoformat(),
            entry.created_at.astimezone(zone).isoformat(),
            account.time_zone,
            entry.kind,
            entry.credits,
            entry.plan_delta,
            entry.package_delta,
            entry.plan_after,
            entry.package_after,
            entry.plan_after + entry.package_after,
            _text(entry.tool),
            run.size,
            _text(run.product_id),
            _text(run.product_title),
            run.run_id,
            _text(names[entry.actor]),
            _text(note.text if note else ""),
        )


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula, whatever a product is called.

    Source: OWASP, "CSV Injection".
    """
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def _csv(lines: Iterable[Sequence[object]]) -> str:
    writer = csv.writer(_Echo())
    return "".join(writer.writerow(line) for line in lines)
