"""The ledger as CSV, streamed entry by entry behind a signed link.

What belongs to a run (its size, its product) is not the ledger's to know: the caller hands in
`describe`, which answers for a chunk of spends at once.
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.core import signing
from django.urls import reverse

from credits import periods
from credits.models import Account, LedgerEntry
from credits.reports import history
from credits.reports.billing_periods import billing_periods, first_and_last
from credits.reports.people import person_names

# Without it Excel takes the file for one of its own code page and spells umlauts wrong.
BYTE_ORDER_MARK = "\ufeff"
LINK_SECONDS = 15 * 60
_SALT = "ledger-export"
# The last four are what keyboards for Chinese, Japanese and Korean type for the first four.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

COLUMNS = (
    "sequence", "utc_time", "local_time", "zone", "entry_type", "credits", "plan_part",
    "package_part", "plan_after", "package_after", "balance_after", "tool",
    "resolution_or_seconds", "product_id", "product_title", "job_id", "person", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunDetails:
    """What a receipt or an export says about the run that a spend paid for.

    `outcome` is how the run ended, empty while it goes on.
    """

    run_id: str = ""
    outcome: str = ""
    size: str = ""
    product_id: str = ""
    product_title: str = ""


# Takes the ids of spends, returns the details of those that paid for a run.
Describe = Callable[[Sequence[int]], Mapping[int, RunDetails]]


class LinkExpired(ValueError):  # noqa: N818 - reads as the ledger's own refusals do
    """The link was right and is too old."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which entries an export holds: those of the local days from `first` up to `after`.

    A billing period is cut inside its end days, so it is named by `period`, the sequence of its
    first entry.
    """

    first: date
    after: date
    period: int | None = None


def link(account: Account, extent: Extent) -> str:
    """A link that downloads these entries, good for 15 minutes.

    A download inside Shopify's admin carries no session token, so the link itself is the proof.
    """
    named = [account.pk, extent.first.isoformat(), extent.after.isoformat(), extent.period]
    return reverse("export", args=[signing.dumps(named, salt=_SALT)])


def open_link(token: str) -> tuple[Account, Extent]:
    """What a link names. Raises LinkExpired, and signing.BadSignature for one that is forged."""
    try:
        named = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    except signing.SignatureExpired:
        raise LinkExpired from None
    account_id, first, after, period = named
    account = Account.objects.get(pk=account_id)
    return account, Extent(date.fromisoformat(first), date.fromisoformat(after), period)


def file_name(extent: Extent) -> str:
    """The name that the download is saved under."""
    last = periods.days_later(extent.after, -1)
    return f"ecomvance-ledger-{extent.first.isoformat()}-to-{last.isoformat()}.csv"


def rows(account: Account, extent: Extent, describe: Describe) -> Iterator[str]:
    """CSV text in pieces, the header first; a piece holds at most one chunk of entries."""
    yield BYTE_ORDER_MARK + csv_lines([COLUMNS])
    for chunk in _chunks(account, extent):
        yield csv_lines(_cells(account, chunk, describe))


def _chunks(account: Account, extent: Extent) -> Iterator[list[LedgerEntry]]:
    if extent.period is None:
        return history.entries_between(account.pk, extent.first, extent.after)
    period = next(found for found in billing_periods(account.pk) if found.first == extent.period)
    first, last = first_and_last(account.pk, period)
    return history.entries_in(account.pk, first.sequence, last.sequence)


async def rows_async(account: Account, extent: Extent, describe: Describe) -> AsyncIterator[str]:
    """The same pieces for an asynchronous server, which would otherwise collect them all first."""
    pieces = rows(account, extent, describe)
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece


def _cells(
    account: Account, chunk: Sequence[LedgerEntry], describe: Describe
) -> Iterator[tuple[object, ...]]:
    # What is given back belongs to the run whose spend it restores.
    spends = {entry.pk: entry.restores_id or entry.pk for entry in chunk if _of_a_run(entry)}
    runs = describe(list(spends.values()))
    names = person_names({entry.actor for entry in chunk})
    zone = ZoneInfo(account.time_zone)
    for entry in chunk:
        run = runs.get(spends.get(entry.pk, 0), RunDetails())
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
            entry.tool,
            run.size,
            run.product_id,
            run.product_title,
            run.run_id,
            names[entry.actor],
            note.text if note else "",
        )


def _of_a_run(entry: LedgerEntry) -> bool:
    return entry.kind in (LedgerEntry.Kind.SPEND, LedgerEntry.Kind.RESTORE)


def cell(value: object) -> object:
    """A figure as it is, a text so that no spreadsheet takes it for a formula.

    Every column's, whatever is in it today. Source: OWASP, "CSV Injection".
    """
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def csv_lines(lines: Iterable[Sequence[object]]) -> str:
    writer = csv.writer(_Echo())
    return "".join(writer.writerow([cell(value) for value in line]) for line in lines)
