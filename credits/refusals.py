"""Why the ledger says no, and the checks of its arguments. Pure; nothing here touches the database."""

from __future__ import annotations

from datetime import datetime

from ecomvance_app import clock

MAX_CREDITS = 1_000_000_000
OWN_KEYS = "auto:"


class LedgerError(Exception):
    """A request that the ledger refused; nothing was written."""


class InsufficientCredits(LedgerError):  # noqa: N818 - the product document's word for it
    """Both buckets together (or the one adjusted) cannot cover what was asked."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"{needed} credits needed, {available} available")
        self.needed = needed
        self.available = available

    @property
    def short_by(self) -> int:
        """How many credits are missing."""
        return self.needed - self.available


class KeyConflict(LedgerError):  # noqa: N818 - reads as the standard term
    """The idempotency key was used before for something else."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} was used before for something else")
        self.key = key


class UnknownAccount(LedgerError, ValueError):  # noqa: N818
    """There is no account with this id."""


class UnknownSpend(LedgerError, ValueError):  # noqa: N818
    """There is no such entry, or it is not a spend."""


class UnknownPlan(LedgerError, ValueError):  # noqa: N818
    """There is no plan with this handle."""


class AlreadyRestored(LedgerError, ValueError):  # noqa: N818
    """The spend has been restored before, under another key."""


class NothingToRestore(LedgerError, ValueError):  # noqa: N818
    """No part of the spend fits any bucket any more; no entry was written."""


class StalePeriod(LedgerError, ValueError):  # noqa: N818
    """The billing period is over, empty, or older than the one running."""


def check_amount(credits: object) -> int:
    """The amount, if it is a positive whole number; ValueError otherwise."""
    if isinstance(credits, bool) or not isinstance(credits, int) or credits <= 0:
        raise ValueError(f"Credits are positive whole numbers, not {credits!r}")
    return credits


def check_grant(credits: object) -> int:
    """A positive whole number within what one entry may add; ValueError otherwise."""
    amount = check_amount(credits)
    if amount > MAX_CREDITS:
        raise ValueError(f"One entry adds at most {MAX_CREDITS} credits, not {amount}")
    return amount


def check_key(key: object) -> str:
    """The idempotency key, 1 to 200 characters and not one of the ledger's own; else ValueError."""
    if not isinstance(key, str) or not 0 < len(key) <= 200 or "\x00" in key:
        raise ValueError("An idempotency key is a text of 1 to 200 characters")
    if key.startswith(OWN_KEYS):
        raise ValueError(f"Keys that begin with {OWN_KEYS!r} are the ledger's own")
    return key


def check_text(name: str, value: object, longest: int) -> str:
    """A text of at most `longest` characters; ValueError otherwise."""
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise ValueError(f"{name} is a text of at most {longest} characters")
    return value


def check_instant(name: str, value: object) -> datetime:
    """An aware datetime; ValueError otherwise."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"{name} is an aware datetime, not {value!r}")
    return value


def check_now(now: datetime | None) -> datetime:
    """The given instant, or the business clock's."""
    return clock.now() if now is None else check_instant("now", now)
