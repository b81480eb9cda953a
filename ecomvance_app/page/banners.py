"""The one banner a page shows: of all that may need saying, the first by priority.

Two banners close together are read as none, so the lower ones wait; what they would say can be
found on the pages themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from credits import periods
from credits.accounts import alerts
from credits.models import Account
from credits.queries import Balance
from credits.reports import history, usage
from ecomvance_app.http import MerchantRequest
from generations.assist.advice import cheaper_way
from generations.catalog import CHEAPEST
from shopify_auth.admin_api import offline_tokens, scopes
from shopify_auth.frame import addresses
from shopify_auth.models import Shop
from shopify_auth.models.charges import Charge, Subscription

LOW_CREDITS = "shell/low_credits.html"
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


def choose_banner(
    account: Account, balance: Balance, surface: str, now: datetime, failed: Callable[[], int]
) -> Banner | None:
    """The banner for this account now, if any. `failed` counts failed runs, as `count_failed` does.

    An unpaid bill comes first, then a broken connection, permissions that a merchant has still to
    give, credits that no tool can be run with, failed work, low credits, the end of the trial, its last day, and plan credits that will expire
    within three days.
    """
    return _trouble(account, surface) or _state(account, balance, surface, now, failed)


def banner_html(
    account: Account, balance: Balance, surface: str, now: datetime, failed: Callable[[], int]
) -> SafeString:
    """The chosen banner, drawn; empty when there is nothing to say."""
    banner = choose_banner(account, balance, surface, now, failed)
    if banner is None:
        return SafeString()
    return render_to_string(banner.template, banner.variables)


@require_safe
def fragment(request: MerchantRequest) -> HttpResponse:
    """What every page shows of the account as it is now, for an open page whose parts are stale."""
    return render(request, "shell/balance_news.html")


def _trouble(account: Account, surface: str) -> Banner | None:
    """What stops the account's store itself."""
    frozen = Subscription.objects.filter(shop__account=account, status=Charge.Status.FROZEN)
    if frozen.exists():
        return _frozen(surface)
    shops = list(offline_tokens.connected_shops(account))
    broken = next((shop for shop in shops if offline_tokens.must_be_reopened(shop)), None)
    if broken:
        return _disconnected(broken, surface)
    asked = next((shop for shop in shops if scopes.needs_consent(shop)), None)
    return _permissions(asked, surface) if asked else None


def _state(
    account: Account, balance: Balance, surface: str, now: datetime, failed: Callable[[], int]
) -> Banner | None:
    """What the balance and the last runs need said."""
    state = alerts.state(balance.total, balance.low_at, CHEAPEST)
    if state in ("zero", "below_cheapest"):
        return _low_credits(account, balance, state, surface, now)
    if runs := failed():
        return _failed(runs, surface)
    if state == "low":
        return _low_credits(account, balance, state, surface, now)
    if balance.kind == "none" and history.began_with_trial(account.pk):
        return _trial_ended(surface)
    if balance.at_end == "trial_end":
        return _trial_last_day(balance, surface, account.time_zone)
    return _expiry(balance, surface, now, account.time_zone)


def _low_credits(
    account: Account, balance: Balance, state: alerts.State, surface: str, now: datetime
) -> Banner:
    today = periods.local_day(now, account.time_zone)
    recent = usage.read_days(account.pk, today - ADVICE_DAYS, today + timedelta(days=1))
    plans_url = reverse("pages:plans", current_app=surface)
    price = ngettext("%(credits)s credit", "%(credits)s credits", CHEAPEST)
    variables = {
        "total": balance.total,
        "package": balance.package,
        "resets_at": balance.resets_at,
        "at_end": balance.at_end,
        "time_zone": account.time_zone,
        "tip": cheaper_way(recent.tools),
        "below_cheapest": state == "below_cheapest",
        "cheapest_price": price % {"credits": localize(CHEAPEST)},
        "purchase_url": f"{plans_url}#packages",
        "upgrade_url": f"{plans_url}#plans",
        "usage_url": reverse("pages:usage", current_app=surface),
        "prices_url": reverse("pages:prices", current_app=surface),
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
                "No new plan credits come until it is paid in Shopify. Plan credits that you have "
                "stay usable to the end of their period, package credits always."
            ),
            "primary_label": _("See your plan"),
            "primary_url": reverse("pages:plans", current_app=surface),
        },
    )


def _disconnected(shop: Shop, surface: str) -> Banner:
    variables = {
        "tone": "critical",
        "title": _("The connection to %(store)s is broken") % {"store": shop.domain},
        "text": _(
            "We cannot read its products, and you cannot purchase anything. Open ecomVance in the "
            "store's admin to connect it again. Your credits and images are all here."
        ),
    }
    return Banner("disconnected", PLAIN, variables | _way_into(shop, surface))


def _permissions(shop: Shop, surface: str) -> Banner:
    variables = {
        "tone": "warning",
        "title": _("%(store)s has to approve new permissions") % {"store": shop.domain},
        "text": _(
            "Open ecomVance in the store's admin to approve them. Until then some features do not "
            "work with this store."
        ),
    }
    return Banner("permissions", PLAIN, variables | _way_into(shop, surface))


def _way_into(shop: Shop, surface: str) -> dict[str, str]:
    """The button to the app in a store's admin; from inside a frame it would lead nowhere."""
    url = addresses.app_url("", shop.domain) if surface == "web" else None
    return {"primary_label": _("Open in Shopify"), "primary_url": url} if url else {}


def _failed(runs: int, surface: str) -> Banner:
    title = ngettext("%(runs)s run failed", "%(runs)s runs failed", runs)
    variables = {
        "title": title % {"runs": localize(runs)},
        "text": _("Each run says why it failed and what became of its credits."),
        "primary_label": _("View failed runs"),
        "primary_url": f"{reverse('pages:gallery', current_app=surface)}?view=failed",
    }
    return Banner("failed", PLAIN, variables)


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


def _trial_last_day(balance: Balance, surface: str, time_zone: str) -> Banner:
    text = _(
        "It ends on %(at)s (%(zone)s); credits left then expire. Everything you made stays."
    ) % {"at": _moment(balance), "zone": time_zone}
    return Banner(
        "trial_last_day",
        PLAIN,
        {
            "title": _("Last day of your free trial"),
            "text": text,
            "primary_label": _("See plans"),
            "primary_url": reverse("pages:plans", current_app=surface),
        },
    )


def _expiry(balance: Balance, surface: str, now: datetime, time_zone: str) -> Banner | None:
    ends_soon = balance.resets_at is not None and balance.resets_at - now <= EXPIRY_NOTICE
    if balance.kind == "trial" or not ends_soon or balance.plan < WORTH_A_NOTICE:
        return None
    title = ngettext(
        "%(credits)s plan credit expires soon", "%(credits)s plan credits expire soon", balance.plan
    )
    text = _("Unused plan credits expire on %(at)s (%(zone)s); package credits never do.")
    return Banner(
        "expiry",
        PLAIN,
        {
            "title": title % {"credits": localize(balance.plan)},
            "text": text % {"at": _moment(balance), "zone": time_zone},
            "primary_label": _("See tools"),
            "primary_url": reverse("pages:tools", current_app=surface),
        },
    )


def _moment(balance: Balance) -> str:
    """The end of the running period, in the account's time, which the request has activated."""
    return date_format(timezone.localtime(balance.resets_at), "DATETIME_FORMAT")
