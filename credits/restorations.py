"""What becomes of the credits when a run ends, and the cases that staff decide.

The outcome table is data (`OutcomeRule`). A platform error opens a case, once per spend, that
staff approve or decline with a reason; an operator may have platform errors restored at once. A
run that was cancelled before anything began is given back by "system". Everything else is kept.

A spend is restored under one key however it comes about, so an approval that races an automatic
restoration finds its entry instead of writing a second one.

Source: product document, "Credit Restoration Eligibility".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger
from credits.models import LedgerEntry, OutcomeRule, RestorationCase

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)

Policy = OutcomeRule.Policy
State = RestorationCase.State
SYSTEM = "system"


class UnknownOutcome(ValueError):  # noqa: N818 - reads as the ledger's own refusals do
    """The outcome table has no row for this outcome."""


class CaseDecided(ValueError):  # noqa: N818
    """The case was decided before, in the other way."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one spend: the rule applied, its case if any, what was given back if any."""

    policy: Policy
    rule: str
    case: RestorationCase | None = None
    restoration: LedgerEntry | None = None


def settle_outcome(spend: LedgerEntry, outcome: str, now: datetime) -> Settlement:
    """Apply the outcome table to the spend of a run that has ended; repeating it changes nothing.

    Call it in the transaction that ends the run. Raises UnknownOutcome, a ValueError.
    """
    rule = _find_rule(outcome)
    policy = Policy(rule.policy)
    with transaction.atomic(savepoint=False):
        case = restoration = None
        if policy in (Policy.CASE, Policy.AUTOMATIC):
            case = _open_case(spend, outcome, now)
        if policy == Policy.RETURNED:
            restoration = _restore(spend, SYSTEM, rule.rule, now)
        if policy == Policy.AUTOMATIC and case is not None and case.state == State.OPEN:
            restoration = _restore(spend, SYSTEM, rule.rule, now)
            # What no bucket can take any more waits for staff: a goodwill adjustment may be due.
            if restoration is not None:
                _decide(case, State.APPROVED, None, rule.rule, now, restoration)
        if case is not None:
            restoration = case.restoration
    return Settlement(policy, rule.rule, case, restoration)


def approve(
    case: RestorationCase, staff: AbstractBaseUser, reason: str, now: datetime
) -> RestorationCase:
    """Restore the spend of a case with the exact split that was taken, once.

    Approving an approved case again returns it. Raises CaseDecided for a declined one,
    `ledger.NothingToRestore` when no bucket can take any of it (the case stays open), and
    ValueError without a reason.
    """
    reason = _check_reason(reason)
    with transaction.atomic():
        locked = _lock(case)
        if locked.state == State.DECLINED:
            raise CaseDecided(_("This case was declined before."))
        if locked.state == State.OPEN:
            restoration = _write_restoration(locked.spend, f"staff:{staff.pk}", reason, now)
            _decide(locked, State.APPROVED, staff, reason, now, restoration)
        return locked


def decline(
    case: RestorationCase, staff: AbstractBaseUser, reason: str, now: datetime
) -> RestorationCase:
    """Close a case without restoring; the reason is what the merchant reads.

    Declining a declined case again returns it. Raises CaseDecided for an approved one and
    ValueError without a reason.
    """
    reason = _check_reason(reason)
    with transaction.atomic():
        locked = _lock(case)
        if locked.state == State.APPROVED:
            raise CaseDecided(_("This case was approved before."))
        if locked.state == State.OPEN:
            _decide(locked, State.DECLINED, staff, reason, now, None)
        return locked


def _find_rule(outcome: str) -> OutcomeRule:
    try:
        return OutcomeRule.objects.get(outcome=outcome)
    except OutcomeRule.DoesNotExist:
        raise UnknownOutcome(f"There is no rule for the outcome {outcome!r}") from None


def _open_case(spend: LedgerEntry, outcome: str, now: datetime) -> RestorationCase:
    case, _created = RestorationCase.objects.get_or_create(
        spend=spend,
        defaults={"account_id": spend.account_id, "outcome": outcome, "opened_at": now},
    )
    return case


def _lock(case: RestorationCase) -> RestorationCase:
    return (
        RestorationCase.objects.select_for_update(of=("self",))
        .select_related("spend")
        .get(pk=case.pk)
    )


def _decide(
    case: RestorationCase,
    state: RestorationCase.State,
    staff: AbstractBaseUser | None,
    reason: str,
    now: datetime,
    restoration: LedgerEntry | None,
) -> None:
    case.state, case.reason, case.decided_at = state, reason, now
    case.decided_by_id = staff.pk if staff is not None else None
    case.restoration = restoration
    case.save(update_fields=["state", "reason", "decided_at", "decided_by", "restoration"])


def _restore(spend: LedgerEntry, actor: str, reason: str, now: datetime) -> LedgerEntry | None:
    """Give back what still fits a bucket; None when nothing does."""
    try:
        return _write_restoration(spend, actor, reason, now)
    except ledger.NothingToRestore:
        logger.info("Spend %s: no part fits a bucket any more", spend.pk)
        return None


def _write_restoration(spend: LedgerEntry, actor: str, reason: str, now: datetime) -> LedgerEntry:
    key = f"restore:{spend.pk}"
    try:
        return ledger.restore(spend.pk, key=key, actor=actor, reason=reason, now=now)
    except ledger.AlreadyRestored:
        return LedgerEntry.objects.get(restores_id=spend.pk)


def _check_reason(reason: str) -> str:
    if not reason.strip():
        raise ValueError(_("A reason is required."))
    return reason.strip()
