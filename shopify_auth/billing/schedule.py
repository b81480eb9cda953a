"""When a store's charges have to be compared with Shopify's again. Pure; the sweep goes by it.

Shopify tells of a change of status by webhook, which may be late or lost, and of a paid renewal not
at all. So whatever is awaited is asked for, at first soon, then ever more rarely.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shopify_auth.models.charges import Charge, Subscription

Status = Charge.Status

# The task that makes one store agree. Messages that are queued while a new version starts name it so.
RECONCILE = "shopify_auth.bring_in_line"
APPROVAL_WINDOW = timedelta(days=2)
RENEWAL_POLL = (timedelta(minutes=5), timedelta(hours=12))
APPROVAL_POLL = (timedelta(minutes=10), timedelta(hours=12))
PAYMENT_POLL = (timedelta(minutes=1), timedelta(hours=6))
FROZEN_POLL = timedelta(hours=12)
FAILURE_POLL = (timedelta(minutes=2), timedelta(hours=6))


def next_check(charges: Iterable[Charge], now: datetime) -> datetime | None:
    """The next instant at which something may have changed unseen; None when nothing is awaited."""
    instants = [instant for charge in charges if (instant := _awaited(charge, now)) is not None]
    return min(instants, default=None)


def after_failure(failures: int, now: datetime) -> datetime:
    """When to ask again after Shopify has not answered `failures` times in a row."""
    shortest, longest = FAILURE_POLL
    doublings = min(failures - 1, 10)
    wait: timedelta = shortest * 2**doublings
    return now + min(wait, longest)


def _awaited(charge: Charge, now: datetime) -> datetime | None:
    if charge.is_open:
        return _open_charge(charge, now)
    if not isinstance(charge, Subscription):
        return None
    if charge.status == Status.FROZEN:
        return now + FROZEN_POLL
    if charge.status != Status.ACTIVE:
        return None
    return _renewal(charge, now)


def _open_charge(charge: Charge, now: datetime) -> datetime:
    if charge.returned_at is None:
        expiry = charge.created_at + APPROVAL_WINDOW
        following = now + _doubling(now - charge.created_at, APPROVAL_POLL)
        return min(following, expiry) if now < expiry else following
    return now + _doubling(now - charge.returned_at, PAYMENT_POLL)


def _renewal(subscription: Subscription, now: datetime) -> datetime:
    """The end of the running period, then with back-off until Shopify shows what came of it.

    One that has brought no period, as a test charge in a store that ought to pay, is asked about
    ever more rarely since it was made.
    """
    period_end = subscription.granted_until or subscription.current_period_end
    if period_end is not None and now < period_end:
        return period_end
    return now + _doubling(now - (period_end or subscription.created_at), RENEWAL_POLL)


def _doubling(waited: timedelta, between: tuple[timedelta, timedelta]) -> timedelta:
    """As long again as was waited so far, within limits: every wait is twice the one before."""
    shortest, longest = between
    return min(max(waited, shortest), longest)
