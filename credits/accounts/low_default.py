"""The default of the low-credit threshold: read, changed by staff, and spread over the accounts.

An account counts by its own `low_at`, which the ledger's one statement reads without asking anybody.
So a change of the default is written into the accounts, some hundred at a time. Nobody is told by
that: only a spend or an adjustment that crosses the threshold tells, once, whatever the threshold is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Cast, Greatest
from django.utils import timezone

from credits.models import Account, LowCreditDefault
from ecomvance_app import jobs, live

STEP = 250
STEPS = 40
# Whoever read the old default before a change has committed by then. A pass that begins later finds
# what they wrote.
SETTLED_AFTER = timedelta(minutes=2)


def read() -> LowCreditDefault:
    """The default that holds now; the product's own while there is no row."""
    return LowCreditDefault.objects.order_by("pk").first() or LowCreditDefault()


def begin(default: LowCreditDefault) -> None:
    """Note on the default, about to be saved, that accounts have to follow; send the first task."""
    default.changed_at, default.begun_at = timezone.now(), None
    default.reached, default.is_spread = 0, False
    jobs.enqueue("credits.spread_low_default")


def is_left_lying() -> bool:
    """Whether accounts still have to follow a change."""
    return LowCreditDefault.objects.filter(is_spread=False).exists()


def spread() -> bool:
    """Write a changed default into accounts, a bounded number; True where this pass goes on.

    Any number of workers may do it at once, and stop anywhere. Accounts that somebody has locked
    are not waited for. A pass that left some out, or began soon after the change, is followed by
    another one, which the sweep sends.
    """
    return all(_step() for _number in range(STEPS))


def followers() -> QuerySet[Account]:
    """The accounts that have not chosen a threshold."""
    return Account.objects.filter(low_threshold=None)


def moved(default: LowCreditDefault) -> QuerySet[Account]:
    """The accounts whose threshold this default would change, with what it would be as `low_then`."""
    big = models.BigIntegerField()
    share = Cast(F("allocation"), big) * Value(default.share) / Value(100)
    accounts = followers().annotate(
        low_then=Greatest(Value(default.least, big), share, output_field=big),
        held=F("plan_balance") + F("package_balance"),
    )
    return accounts.exclude(low_at=F("low_then"))


def newly_low() -> Q:
    """Of those: who counts as low from then on, by the balance as last written."""
    return Q(held__gt=F("low_at"), held__lte=F("low_then"))


def no_longer_low() -> Q:
    """Of those: who does not count as low any more."""
    return Q(held__gt=F("low_then"), held__lte=F("low_at"))


@transaction.atomic
def _step() -> bool:
    """Bring the next accounts in line; False when the pass is over."""
    default = LowCreditDefault.objects.select_for_update().filter(is_spread=False).first()
    if default is None:
        return False
    default.begun_at = default.begun_at or timezone.now()
    ahead = Account.objects.filter(pk__gt=default.reached).order_by("pk")
    account_ids = list(ahead.values_list("pk", flat=True)[:STEP])
    if not account_ids:
        _end_pass(default, default.begun_at)
        return False
    _write(default, account_ids)
    default.reached = account_ids[-1]
    default.save(update_fields=["begun_at", "reached"])
    return True


def _write(default: LowCreditDefault, account_ids: list[int]) -> None:
    """Write the threshold into those that follow the default and are not locked by anybody."""
    rows = Account.objects.select_for_update(skip_locked=True, no_key=True)
    accounts = list(rows.filter(pk__in=account_ids))
    if len(accounts) < len(account_ids):
        default.begun_at = default.changed_at  # Too early to be the last pass.
    by_threshold: dict[int, list[int]] = {}
    for account in accounts:
        low_then = default.threshold(account.allocation)
        if account.low_threshold is not None or account.low_at == low_then:
            continue
        by_threshold.setdefault(low_then, []).append(account.pk)
        held = account.plan_balance + account.package_balance
        if (held <= account.low_at) != (held <= low_then):
            live.publish(account.pk, "balance")
    for low_then, changed in by_threshold.items():
        Account.objects.filter(pk__in=changed).update(low_at=low_then)


def _end_pass(default: LowCreditDefault, begun_at: datetime) -> None:
    """Close a pass; it was the last one where it began long enough after the change."""
    settled = default.changed_at is None or begun_at >= default.changed_at + SETTLED_AFTER
    default.is_spread, default.begun_at, default.reached = settled, None, 0
    default.save(update_fields=["is_spread", "begun_at", "reached"])
