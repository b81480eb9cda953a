"""Incidents: many runs made good at once, each once for ever and never beside a restoration.

A platform error is restored through its case. Every other kind is never restored, so it gets a goodwill
adjustment of what the run cost, in the package bucket, which does not expire.

Source: decisions on who may restore; screens, "fixed before they ask".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Min, Sum

from credits import ledger
from credits.arguments import GOODWILL_KEYS
from credits.models import Account, LedgerEntry
from credits.models.corrections import Incident, IncidentRun
from credits.outcomes import cases

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

RESTORED = "platform_error"
# So long a merchant's page tells of it.
TOLD_FOR = timedelta(days=7)


def make_good(
    incident: Incident, spend_id: int, outcome: str, staff: AbstractBaseUser, now: datetime
) -> IncidentRun | None:
    """Give one run's credits back; None when it was made good before, or nothing fits a bucket.

    One transaction: whoever is interrupted goes on where it stopped.
    """
    with transaction.atomic():
        spend = LedgerEntry.objects.get(pk=spend_id, kind=LedgerEntry.Kind.SPEND)
        # Two who make the same runs good stand in line here.
        Account.objects.select_for_update().get(pk=spend.account_id)
        if _is_made_good(spend):
            return None
        try:
            entry = _give(incident, spend, outcome, staff, now)
        except (ledger.NothingToRestore, cases.CaseDecided):
            return None
        return IncidentRun.objects.create(
            incident=incident,
            account_id=spend.account_id,
            spend=spend,
            entry=entry,
            credits=entry.credits,
            at=now,
        )


def _is_made_good(spend: LedgerEntry) -> bool:
    by_incident = IncidentRun.objects.filter(spend=spend).exists()
    return by_incident or LedgerEntry.objects.filter(restores=spend).exists()


def _give(
    incident: Incident, spend: LedgerEntry, outcome: str, staff: AbstractBaseUser, now: datetime
) -> LedgerEntry:
    if outcome == RESTORED:
        case = cases.open_case(spend, outcome, now)
        with transaction.atomic():
            decided = cases.approve(case, staff, incident.words, now)
        if decided.restoration is None:
            raise ledger.NothingToRestore("The case has no restoration")
        return decided.restoration
    return ledger.adjust(
        spend.account_id, "package", -spend.credits,
        key=f"{GOODWILL_KEYS}{spend.pk}", actor=f"staff:{staff.pk}", reason=incident.words, now=now,
        reference=f"incident:{incident.pk}",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """What an account reads of an incident: how many of its runs, and what is back."""

    incident: Incident
    runs: int
    credits: int


def lines_of(account_id: int, now: datetime) -> list[Line]:
    """One line for each incident of the last days that gave this account something back."""
    runs = IncidentRun.objects.filter(account=account_id, at__gte=now - TOLD_FOR)
    sums = list(
        runs.values("incident").annotate(runs=Count("pk"), credits=Sum("credits"), first=Min("at"))
    )
    if not sums:
        return []
    known = Incident.objects.in_bulk([row["incident"] for row in sums])
    told = sorted(sums, key=lambda row: row["first"], reverse=True)
    return [Line(known[row["incident"]], row["runs"], row["credits"]) for row in told]


@dataclass(frozen=True, slots=True)
class Given:
    """What an incident has given so far."""

    runs: int
    credits: int
    accounts: int


def given(incident: Incident) -> Given:
    """What the incident has given so far, over all accounts."""
    found = incident.runs.aggregate(
        runs=Count("pk"), credits=Sum("credits"), accounts=Count("account", distinct=True)
    )
    return Given(found["runs"], found["credits"] or 0, found["accounts"])
