"""What one run cost, by bucket, and what became of its credits, in words for the merchant."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credits.models import LedgerEntry, OutcomeRule, RestorationCase

Policy = OutcomeRule.Policy
State = RestorationCase.State


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one spend cost, by bucket, and what became of it.

    `rule` is the product document's row for the outcome, `words` what it meant for these credits;
    both are empty while the run goes on.
    """

    spend: LedgerEntry
    outcome: str
    rule: str
    words: str
    case: RestorationCase | None
    restoration: LedgerEntry | None

    @property
    def credits(self) -> int:
        """What the run cost."""
        return -self.spend.credits

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
        LedgerEntry.objects.select_related("restoration__note", "case")
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
        # Operators write the rules; one that the catalogue of a language has is shown in it.
        rule=_(rule.rule) if rule and rule.rule else "",
        words=_words(spend, rule, case, restoration),
        case=case,
        restoration=restoration,
    )


_MEANING: dict[str, Promise] = {
    Policy.CONSUMED: gettext_lazy("The result was delivered."),
    Policy.KEPT: gettext_lazy("They are not restored."),
    Policy.RETURNED: gettext_lazy("They expired before they could be given back."),
    State.OPEN: gettext_lazy("This was our error. Our staff decide whether they are restored."),
    State.DECLINED: gettext_lazy("Our staff looked at it and declined to restore them."),
}


def _words(
    spend: LedgerEntry,
    rule: OutcomeRule | None,
    case: RestorationCase | None,
    restoration: LedgerEntry | None,
) -> str:
    """One or two sentences: what happened to the credits of this run."""
    if restoration is not None:
        return _words_of(restoration)
    reason = case.state if case is not None else rule.policy if rule is not None else None
    if reason is None:
        return ""
    used = -spend.credits
    sentence = ngettext("%(used)s credit was used.", "%(used)s credits were used.", used)
    return f"{sentence % {'used': localize(used)}} {_MEANING.get(reason, '')}".rstrip()


def _words_of(restoration: LedgerEntry) -> str:
    amounts = {
        "credits": localize(restoration.credits),
        "lapsed": localize(restoration.lapsed),
    }
    if restoration.lapsed:
        text = _("%(credits)s credits were given back; %(lapsed)s plan credits had expired since.")
    else:
        text = _("%(credits)s credits were given back, each to where it was taken from.")
    return text % amounts
