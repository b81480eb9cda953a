"""Merchants for the tests of reports, and an independent reading of their entries."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from credits import ledger
from credits.models import Account, LedgerEntry

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(text: str, zone: str = "UTC") -> datetime:
    """The instant of a local time such as "2026-03-29 01:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def open_bloom(now: datetime = NOON, time_zone: str = "UTC") -> Account:
    """Bloom Ceramics: no trial, 3,000 plan credits of Starter for 30 days, 500 bought."""
    account = ledger.open_account("Bloom Ceramics", trial=False, now=now, time_zone=time_zone)
    ledger.start_plan_period(account.pk, "starter", now, now + 30 * DAY, key="period-1", now=now)
    ledger.add_package(account.pk, 500, key="package-1", now=now)
    return account


def open_quay(now: datetime = NOON) -> Account:
    """Quay Prints: the second shop, on its trial."""
    return ledger.open_account("Quay Prints", now=now)


def spend_document_day(account_id: int, actor: str = "user:1", now: datetime | None = None) -> None:
    """The sample of the product document's "Usage History": 60 + 40 + 50 - 30 = 120."""
    runs = [("cut", "background-removal", 20)] * 3
    runs += [("text", "description-generator", 20)] * 2
    runs += [("enhance", "image-enhance", 50)]
    for number, (key, tool, credits) in enumerate(runs):
        ledger.spend(account_id, credits, f"{key}-{number}", tool=tool, actor=actor, now=now)
    ledger.adjust(account_id, "plan", 30, "goodwill", "staff:9", "Blurred result", now=now)


def recount(
    account: Account, first: date, after: date, zone: str
) -> dict[tuple[str, str], list[int]]:
    """Entries between two local days, counted one by one: (kind, bucket) to [entries, sum]."""
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in LedgerEntry.objects.filter(account=account).order_by("sequence"):
        local = entry.created_at.astimezone(ZoneInfo(zone)).date()
        if not first <= local < after:
            continue
        for bucket, delta in (("plan", entry.plan_delta), ("package", entry.package_delta)):
            counted[entry.kind, bucket][0] += 1
            counted[entry.kind, bucket][1] += delta
    return counted
