"""What becomes of the credits when a run ends: the product document's table, as data.

The table is `OutcomeRule`. A platform error opens a case that staff decide (`cases`); an operator
may have platform errors restored at once. A run that was cancelled before anything began is given
back by "system", its plan part only while the period that paid runs. Everything else is kept.

Source: product document, "Credit Restoration Eligibility".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from credits import ledger
from credits.models import LedgerEntry, OutcomeRule, RestorationCase
from credits.outcomes import cases

logger = logging.getLogger(__name__)

Policy = OutcomeRule.Policy
State = RestorationCase.State
SYSTEM = "system"


class UnknownOutcome(ValueError):  # noqa: N818 - reads as the ledger's own refusals do
    """The outcome table has no row for this outcome."""


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """What became of one spend: the rule applied, its case if any, what was given back if any."""

    policy: Policy
    rule: str
    case: RestorationCase | None = None
    restoration: LedgerEntry | None = None


def apply_outcome(spend: LedgerEntry, outcome: str, now: datetime) -> AppliedRule:
    """Apply the outcome table to the spend of a run that has ended; repeating it changes nothing.

    Call it in the transaction that ends the run. Raises UnknownOutcome, a ValueError.
    """
    rule = _find_rule(outcome)
    policy = Policy(rule.policy)
    with transaction.atomic(savepoint=False):
        case = restoration = None
        if policy in (Policy.CASE, Policy.AUTOMATIC):
            case = cases.open_case(spend, outcome, now)
        if policy == Policy.RETURNED:
            # Else pausing what waits would carry plan credits over into the next period.
            restoration = _restore(spend, rule.rule, now, lapse_plan=True)
        if policy == Policy.AUTOMATIC and case is not None and case.state == State.OPEN:
            restoration = _restore(spend, rule.rule, now)
            # What no bucket can take any more waits for staff: a goodwill adjustment may be due.
            if restoration is not None:
                cases.decide(case, State.APPROVED, None, rule.rule, now, restoration)
        if case is not None:
            restoration = case.restoration
    return AppliedRule(policy, rule.rule, case, restoration)


def _find_rule(outcome: str) -> OutcomeRule:
    try:
        return OutcomeRule.objects.get(outcome=outcome)
    except OutcomeRule.DoesNotExist:
        raise UnknownOutcome(f"There is no rule for the outcome {outcome!r}") from None


def _restore(
    spend: LedgerEntry, reason: str, now: datetime, *, lapse_plan: bool = False
) -> LedgerEntry | None:
    """Give back what still fits a bucket; None when nothing does."""
    try:
        return cases.write_restoration(spend, SYSTEM, reason, now, lapse_plan=lapse_plan)
    except ledger.NothingToRestore:
        logger.info("Spend %s: no part fits a bucket any more", spend.pk)
        return None
