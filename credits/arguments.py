"""What the ledger takes as arguments. Pure; nothing here touches the database."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TypeGuard
from zoneinfo import ZoneInfo

from credits.refusals import UnknownAccount, UnknownSpend
from ecomvance_app import clock

MAX_CREDITS = 1_000_000_000
LAST_YEAR = 2999
OWN_KEYS = "auto:"
# A goodwill adjustment for a spend, `goodwill:` and the spend's id. Such a spend is never restored.
GOODWILL_KEYS = "goodwill:"


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


def check_adjustment(credits: object) -> int:
    """A whole number other than 0 that adds no more than one entry may; ValueError otherwise."""
    if isinstance(credits, bool) or not isinstance(credits, int) or credits == 0:
        raise ValueError(f"An adjustment is a whole number other than 0, not {credits!r}")
    return credits if credits < 0 else check_grant(credits)


def check_key(key: object) -> str:
    """The idempotency key, 1 to 200 characters and not one of the ledger's own; else ValueError."""
    if not isinstance(key, str) or not 0 < len(key) <= 200 or not _is_storable(key):
        raise ValueError("An idempotency key is a text of 1 to 200 characters")
    if key.startswith(OWN_KEYS):
        raise ValueError(f"Keys that begin with {OWN_KEYS!r} are the ledger's own")
    return key


def check_text(name: str, value: object, longest: int) -> str:
    """A text of at most `longest` characters; ValueError otherwise."""
    if not isinstance(value, str) or len(value) > longest or not _is_storable(value):
        raise ValueError(f"{name} is a text of at most {longest} characters")
    return value


def _is_storable(text: str) -> bool:
    """Whether a database can hold it: no NUL, and no half of a surrogate pair."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def check_decision(actor: object, reason: object) -> None:
    """A correction names who decided and why; ValueError otherwise."""
    if (
        not check_text("actor", actor, 100).strip()
        or not check_text("reason", reason, 2000).strip()
    ):
        raise ValueError("Who decided, and why, is required")


def check_account_id(value: object) -> int:
    """What can be an account's id; UnknownAccount otherwise."""
    if not _is_id(value):
        raise UnknownAccount(f"There is no account {value!r}")
    return value


def check_spend_id(value: object) -> int:
    """What can be an entry's id; UnknownSpend otherwise."""
    if not _is_id(value):
        raise UnknownSpend(f"There is no spend {value!r}")
    return value


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def check_zone(value: object) -> str:
    """An IANA time zone as shops have it, such as Europe/Berlin, or UTC; ValueError otherwise.

    PostgreSQL reads the tz database's few names without an area (CET, EST) as fixed offsets, so
    they are refused: a day must be the same day in both.
    """
    if isinstance(value, str) and ("/" in value or value == "UTC"):
        with contextlib.suppress(KeyError, ValueError, OSError):
            return ZoneInfo(value).key
    raise ValueError(f"{value!r} is not the name of a time zone such as Europe/Berlin")


def check_instant(name: str, value: object) -> datetime:
    """An aware datetime, in UTC; ValueError otherwise."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"{name} is an aware datetime, not {value!r}")
    if not 1 < value.year <= LAST_YEAR:
        raise ValueError(f"{name} lies beyond the calendar of billing: {value!r}")
    return value.astimezone(UTC)


def check_now(now: datetime | None) -> datetime:
    """The given instant, or the business clock's."""
    return clock.now() if now is None else check_instant("now", now)
