"""The one banner a page shows: of all that may need saying, the first by priority.

Two banners close together are read as none, so the lower ones wait; what they would say can be
found on the pages themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import localize
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import alerts, periods, usage
from credits.models import Account, LedgerEntry
from credits.queries import Balance
from generations.advice import cheaper_way
from generations.catalog import CHEAPEST
from shopify_auth.models.charges import Charge, Subscription

LOW_CREDITS = "components/low_credits.html"
PLAIN = "components/banner.html"
ADVICE_DAYS = timedelta(days=30)
EXPIRY_NOTICE = timedelta(days=3)
WORTH_A_NOTICE = 100


@dataclass(frozen=True, slots=True)
class Banner:
    """A banner: which of the list it is, the component that draws it, and that one's variables."""

    kind: str
    template: str
    variables: dict[str, Any] = field(default_factory=dict)


def choose_banner(account: Account, balance: Balance, surface: str, now: datetime) -> Banner | None:
    """The banner for this account now, if any.

    An unpaid bill comes first, then zero and low credits, the end of the trial, its last day, and
    plan credits that will expire within three days.
    """
    frozen = Subscription.objects.filter(shop__account=account, status=Charge.Status.FROZEN)
    if frozen.exists():
        return _frozen(surface)
    state = alerts.state(balance.total, balance.low_at, CHEAPEST)
    if state != "fine":
        return _low_credits(account, balance, state, surface, now)
    if balance.kind == "none" and _had_trial(account):
        return _trial_ended(surface)
    if balance.trial_day == periods.TRIAL_PERIODS:
        return _trial_last_day(surface)
    return _expiry(balance, surface, now)


def banner_html(account: Account, balance: Balance, surface: str, now: datetime) -> SafeString:
    """The chosen banner, drawn; empty when there is nothing to say."""
    banner = choose_banner(account, balance, surface, now)
    if banner is None:
        return SafeString()
    return render_to_string(banner.template, banner.variables)


def _low_credits(
    account: Account, balance: Balance, state: alerts.State, surface: str, now: datetime
) -> Banner:
    today = periods.local_day(now, account.time_zone)
    recent = usage.read_days(account.pk, today - ADVICE_DAYS, today + timedelta(days=1))
    plans_url = reverse("pages:plans", current_app=surface)
    variables = {
        "total": balance.total,
        "resets_at": balance.resets_at,
        "time_zone": account.time_zone,
        "tip": cheaper_way(recent.tools),
        "below_cheapest": state == "below_cheapest",
        "cheapest_price": ngettext("%(credits)d credit", "%(credits)d credits", CHEAPEST)
        % {"credits": CHEAPEST},
        "purchase_url": f"{plans_url}#packages",
        "upgrade_url": f"{plans_url}#plans",
        "usage_url": reverse("pages:usage", current_app=surface),
    }
    return Banner(state, LOW_CREDITS, variables)


def _frozen(surface: str) -> Banner:
    return Banner(
        "frozen",
        PLAIN,
        {
            "tone": "critical",
            "title": _("Shopify reports an unpaid bill"),
            "text": _(
                "Your plan grants no new credits until it is paid in Shopify. Credits that you "
                "have stay usable."
            ),
            "primary_label": _("See your plan"),
            "primary_url": reverse("pages:plans", current_app=surface),
        },
    )


def _had_trial(account: Account) -> bool:
    trial = LedgerEntry.objects.filter(
        account_id=account.pk, sequence=1, kind=LedgerEntry.Kind.TRIAL_GRANT
    )
    return trial.exists()


def _trial_ended(surface: str) -> Banner:
    return Banner(
        "trial_ended",
        PLAIN,
        {
            "title": _("Your free trial has ended"),
            "text": _("Everything you made stays. Your package credits can be used as before."),
            "primary_label": _("See plans"),
            "primary_url": reverse("pages:plans", current_app=surface),
        },
    )


def _trial_last_day(surface: str) -> Banner:
    return Banner(
        "trial_last_day",
        PLAIN,
        {
            "title": _("Last day of your free trial"),
            "text": _("Credits left today expire when it ends. Everything you made stays."),
            "primary_label": _("See plans"),
            "primary_url": reverse("pages:plans", current_app=surface),
        },
    )


def _expiry(balance: Balance, surface: str, now: datetime) -> Banner | None:
    ends_soon = balance.resets_at is not None and balance.resets_at - now <= EXPIRY_NOTICE
    if balance.kind == "trial" or not ends_soon or balance.plan < WORTH_A_NOTICE:
        return None
    title = ngettext(
        "%(credits)s plan credit expires soon", "%(credits)s plan credits expire soon", balance.plan
    )
    return Banner(
        "expiry",
        PLAIN,
        {
            "title": title % {"credits": localize(balance.plan)},
            "text": _("Unused plan credits expire at the reset; package credits never do."),
            "primary_label": _("See tools"),
            "primary_url": reverse("pages:tools", current_app=surface),
        },
    )
