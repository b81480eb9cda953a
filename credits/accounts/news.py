"""Two moments of a balance that its people hear of by mail: it is used up, the trial ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import periods
from credits.accounts import notices, renewals
from credits.accounts.notices import Kind
from credits.models import Account, LedgerEntry
from credits.templatetags.credit_amounts import day_and_time, words

# A trial day that is used up each time is told each time, what empties twice a day only once.
ZERO_ONCE_IN = timedelta(hours=20)
MOST_AT_ONCE = 500


def tell_zero(account: Account, entry: LedgerEntry) -> bool:
    """Tell that `entry` has used up the last credit; False where nobody is told.

    Called by the ledger under the account's lock.
    """
    at_end = renewals.read_period_end(account)
    paragraphs = [_("You have no credits left. Everything you made stays.")]
    if account.due_at is not None and at_end is not None:
        paragraphs.append(f"{words(at_end)} {_when(account, account.due_at)}")
    paragraphs.append(_("To make more now, choose a plan or purchase a package."))
    notice = notices.tell(
        account.pk,
        Kind.ZERO,
        f"entry:{entry.pk}",
        subject=_("No credits left"),
        text="\n\n".join(paragraphs),
        path=reverse("pages:plans", current_app="web"),
        now=entry.created_at,
        not_within=ZERO_ONCE_IN,
    )
    return notice is not None


def tell_trial_ends(now: datetime) -> int:
    """Tell every account whose trial is in its last day; returns how many were told now."""
    last_day = periods.latest_ended_trial(now) + periods.TRIAL_PERIOD
    ending = Account.objects.filter(
        period_kind=Account.Period.TRIAL,
        retired_at=None,
        anchor__gt=periods.latest_ended_trial(now),
        anchor__lte=last_day,
    ).exclude(notices__kind=Kind.TRIAL_END)
    told = [_tell_trial_end(account, now) for account in ending.order_by("anchor")[:MOST_AT_ONCE]]
    return sum(told)


def _tell_trial_end(account: Account, now: datetime) -> bool:
    if account.anchor is None:
        return False
    end = _when(account, periods.trial_end(account.anchor))
    paragraphs = [
        _("Your free trial ends on %(end)s. Trial credits that are left then expire.")
        % {"end": end},
        _("Everything you made stays. Choose a plan to go on."),
    ]
    if account.package_balance:
        kept = ngettext(
            "You keep %(package)s package credit.",
            "You keep %(package)s package credits.",
            account.package_balance,
        )
        paragraphs.insert(1, kept % {"package": localize(account.package_balance)})
    notice = notices.tell(
        account.pk,
        Kind.TRIAL_END,
        "trial",
        subject=_("Your free trial ends soon"),
        text="\n\n".join(paragraphs),
        path=reverse("pages:plans", current_app="web"),
        now=now,
    )
    return notice is not None


def _when(account: Account, instant: datetime) -> str:
    """A day and a time in the account's zone, with the zone's name."""
    with timezone.override(account.time_zone):
        return f"{day_and_time(instant)} ({account.time_zone})"
