"""What the app keeps, by subject: offers, accounts, entries, cases, notices, corrections, defaults."""

from __future__ import annotations

from credits.models.accounts import Account
from credits.models.cases import OutcomeRule, RestorationCase
from credits.models.corrections import Correction, Incident, IncidentRun
from credits.models.entries import (
    DailyUsage,
    EntryNote,
    LedgerClosedError,
    LedgerEntry,
    LedgerEntryQuerySet,
    LedgerPass,
)
from credits.models.low_credits import LowCreditDefault
from credits.models.notices import AlertRecipient, LowCreditAlert, Notice, NoticeChoice
from credits.models.offers import Package, Plan
from credits.staff_acts import StaffAct, StaffWords

__all__ = [
    "Account",
    "AlertRecipient",
    "Correction",
    "DailyUsage",
    "EntryNote",
    "Incident",
    "IncidentRun",
    "LedgerClosedError",
    "LedgerEntry",
    "LedgerEntryQuerySet",
    "LedgerPass",
    "LowCreditAlert",
    "LowCreditDefault",
    "Notice",
    "NoticeChoice",
    "OutcomeRule",
    "Package",
    "Plan",
    "RestorationCase",
    "StaffAct",
    "StaffWords",
]
