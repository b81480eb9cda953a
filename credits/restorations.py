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


def _write_restoration(
    spend: LedgerEntry, actor: str, reason: str, now: datetime
) -> LedgerEntry:
    key = f"restore:{spend.pk}"
    try:
        return ledger.restore(spend.pk, key=key, actor=actor, reason=reason, now=now)
    except ledger.AlreadyRestored:
        return LedgerEntry.objects.get(restores_id=spend.pk)


def _check_reason(reason: str) -> str:
    if not reason.strip():
        raise ValueError(_("A reason is required."))
    return reason.strip()


# --- For the merchant ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one spend cost, by bucket, and what became of it.

    `rule` is the product document's row for the outcome; `words` says what it means for these
    credits. Both are empty while the run goes on.
    """

    spend: LedgerEntry
    outcome: str
    rule: str
    words: str
    case: RestorationCase | None
    restoration: LedgerEntry | None

    @property
    def plan(self) -> int:
        """Plan credits taken."""
        return -self.spend.plan_delta

    @property
    def package(self) -> int:
        """Package credits taken."""
        return -self.spend.package_delta


def read_receipt(account_id: int, spend_id: int, outcome: str = "") -> Receipt | None:
    """The receipt of one spend of this account; None for another account's or no spend at all.

    `outcome` is how the run ended, empty while it goes on; a case names its own.
    """
    spend = (
        LedgerEntry.objects.select_related("restoration", "case")
        .filter(account_id=account_id, pk=spend_id, kind=LedgerEntry.Kind.SPEND)
        .first()
    )
    if spend is None:
        return None
    case: RestorationCase | None = getattr(spend, "case", None)
    restoration: LedgerEntry | None = getattr(spend, "restoration", None)
    outcome = outcome or (case.outcome if case else "")
    rule = OutcomeRule.objects.filter(outcome=outcome).first() if outcome else None
    return Receipt(
        spend=spend,
        outcome=outcome,
        rule=rule.rule if rule else "",
        words=_words(spend, rule, case, restoration),
        case=case,
        restoration=restoration,
    )


def _words(
    spend: LedgerEntry,
    rule: OutcomeRule | None,
    case: RestorationCase | None,
    restoration: LedgerEntry | None,
) -> str:
    """One or two sentences: what happened to the credits of this run."""
    used = {"credits": f"{-spend.credits:,}"}
    if restoration is not None:
        return _restored_words(restoration)
    if case is not None and case.state == State.DECLINED:
        return _("%(credits)s credits were used. The restoration was declined.") % used
    if case is not None:
        return _(
            "%(credits)s credits were used. This was an error of ours: whether they are restored "
            "is being decided."
        ) % used
    if rule is None:
        return ""
    if rule.policy == Policy.CONSUMED:
        return _("%(credits)s credits were used.") % used
    if rule.policy == Policy.RETURNED:
        return _(
            "Nothing was processed, but the credits have expired since and could not be given back."
        )
    return _("%(credits)s credits were used and are not restored.") % used


def _restored_words(restoration: LedgerEntry) -> str:
    back = {"credits": f"{restoration.credits:,}", "lapsed": f"{restoration.lapsed:,}"}
    if restoration.lapsed:
        return _(
            "%(credits)s credits were given back; %(lapsed)s trial credits had expired since."
        ) % back
    return _("%(credits)s credits were given back, each to where it was taken from.") % back
