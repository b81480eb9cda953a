"""What the account's people hear by mail of its charges: approved, renewed, not collected."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits.accounts import notices
from credits.accounts.notices import Kind
from credits.templatetags.credit_amounts import day_and_time
from shopify_auth.billing.offers import title_of
from shopify_auth.models.charges import Charge, Purchase, Subscription
from shopify_auth.templatetags.money import money

if TYPE_CHECKING:
    from credits.models import Account, LedgerEntry


def tell_package(account: Account, purchase: Purchase, entry: LedgerEntry) -> None:
    """A package was paid and its credits are there."""
    added = ngettext(
        "%(credits)s package credit was added. It never expires.",
        "%(credits)s package credits were added. They never expire.",
        purchase.credits,
    ) % {"credits": localize(purchase.credits)}
    subject = _("%(name)s purchased") % {"name": _short_name(purchase)}
    _tell(account, Kind.CHARGE, f"package:{entry.pk}", subject, [added, _bill(purchase)], entry)


def tell_period(
    account: Account, subscription: Subscription, entry: LedgerEntry, *, is_renewal: bool
) -> None:
    """A plan's period was granted: the first one of a subscription, or one more."""
    added = ngettext(
        "%(credits)s plan credit was added.",
        "%(credits)s plan credits were added.",
        entry.plan_delta,
    ) % {"credits": localize(entry.plan_delta)}
    paragraphs = [added]
    if entry.period_end is not None:
        end = _when(account, entry.period_end)
        paragraphs.append(_("Plan credits reset on: %(end)s") % {"end": end})
    paragraphs.append(_bill(subscription, is_prorated=entry.plan_delta < entry.allocation))
    kind, subject = Kind.CHARGE, _("%(name)s: your plan has started")
    if is_renewal:
        kind, subject = Kind.RENEWAL, _("%(name)s: your plan has renewed")
    subject %= {"name": _short_name(subscription)}
    _tell(account, kind, f"period:{entry.pk}", subject, paragraphs, entry)


def tell_unpaid(account: Account, subscription: Subscription, now: datetime) -> None:
    """Shopify could not collect a plan's price."""
    notices.tell(
        account.pk,
        Kind.CHARGE,
        f"unpaid:{subscription.pk}:{now:%Y-%m-%d}",
        subject=_("%(name)s: the bill is unpaid") % {"name": _short_name(subscription)},
        text="\n\n".join(
            [
                _("Shopify could not collect the payment for your plan."),
                _("New plan credits come when the bill is paid in Shopify."),
                _("Package credits can be used meanwhile."),
            ]
        ),
        path=reverse("pages:plans", current_app="web"),
        now=now,
    )


def _tell(
    account: Account, kind: str, key: str, subject: str, paragraphs: list[str], entry: LedgerEntry
) -> None:
    path = reverse("pages:entry", args=[entry.sequence], current_app="web")
    text = "\n\n".join(paragraphs)
    notices.tell(account.pk, kind, key, subject=subject, text=text, path=path, now=entry.created_at)


def _bill(charge: Charge, *, is_prorated: bool = False) -> str:
    """What Shopify charges, and under which name it stands on the bill."""
    price = money(charge.charged_price, charge.charged_currency)
    named = {"price": price, "name": charge.name}
    if charge.test:
        return _("“%(name)s” is a test charge. Shopify bills nothing.") % named
    if isinstance(charge, Purchase):
        return _("On your Shopify bill: “%(name)s”, %(price)s.") % named
    if is_prorated:
        sentence = _(
            "On your Shopify bill: “%(name)s”, %(price)s every 30 days. Shopify prorates the first"
            " payment."
        )
        return sentence % named
    return _("On your Shopify bill: “%(name)s”, %(price)s every 30 days.") % named


def _short_name(charge: Charge) -> str:
    """What was sold, without its credits: "Growth plan"."""
    return (title_of(charge.name) or charge.name).partition(",")[0]


def _when(account: Account, instant: datetime) -> str:
    with timezone.override(account.time_zone):
        return f"{day_and_time(instant)} ({account.time_zone})"
