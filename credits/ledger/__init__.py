"""The write path of every balance. Nobody else writes entries or changes a balance.

The deduction is `spend`, in `spending`. Each verb locks the account's row, looks its idempotency key
up under that lock, works out what time has brought, checks, and only then writes: a refusal leaves
nothing behind and needs no savepoint. The same key again returns the first entry and changes nothing.

`key` is unique per account; keys that begin with "auto:" are the ledger's own. `now` is an aware
datetime and defaults to the business clock; one earlier than the account's last entry counts as
that entry's time. Amounts are whole credits. Refusals are the exceptions of `refusals`.

Source: product document, "Credit Types", "Credit Deduction Logic", "Failed Generations".
"""

from __future__ import annotations

from credits.ledger.spending import SpendItem, spend, spend_many  # isort: skip - the deduction first
from credits.ledger.adjusting import Bucket, adjust
from credits.ledger.expiring import read_settled, settle
from credits.ledger.granting import add_package, grant_plan, open_account, start_plan_period
from credits.ledger.restoring import restore
from credits.refusals import (
    AlreadyRestored,
    InsufficientCredits,
    KeyConflict,
    LedgerError,
    NothingToRestore,
    StalePeriod,
    UnknownAccount,
    UnknownPlan,
    UnknownSpend,
)

__all__ = [
    "AlreadyRestored", "Bucket", "InsufficientCredits", "KeyConflict", "LedgerError", "NothingToRestore",
    "SpendItem", "StalePeriod", "UnknownAccount", "UnknownPlan", "UnknownSpend", "add_package",
    "adjust", "grant_plan", "open_account", "read_settled", "restore", "settle", "spend", "spend_many",
    "start_plan_period",
]  # fmt: skip
