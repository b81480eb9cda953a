"""How an account's plan stands and what it can buy: everything the plans page shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import QuerySet

from credits.accounts.renewals import Renewal
from credits.models import Account, Package, Plan
from credits.queries import Balance
from credits.reports import history
from credits.reports.adviser import Advice, Priced, read_advice
from shopify_auth.admin_api.client import admin_url
from shopify_auth.billing.schedule import APPROVAL_WINDOW
from shopify_auth.models import BillingCheck, Purchase, Shop, Subscription
from shopify_auth.models.charges import Charge

Status = Charge.Status
RUNNING = Subscription.RUNNING
State = Literal[
    "trial", "none", "trial_ended", "granted", "active", "renewing", "frozen", "cancelling", "ended"
]
Move = Literal["current", "scheduled", "subscribe", "upgrade", "downgrade", "unavailable"]

NEWS = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the account's plan stands now.

    `awaiting` is an approval that is open on Shopify's page, `unconfirmed` one the merchant has given
    and Shopify has not confirmed, `following` the plan an approved downgrade leads to, `unapproved`
    a charge that has just been declined or has lapsed, `unpaid_test` a test charge left over from
    when the store was a development store.
    """

    state: State
    subscription: Subscription | None
    following: Subscription | None
    awaiting: Charge | None
    unconfirmed: Charge | None
    unapproved: Charge | None
    unpaid_test: Subscription | None
    granted_plan: str = ""

    @property
    def next_charge(self) -> Subscription | None:
        """What is charged at the end of the running period."""
        if self.state not in ("active", "renewing"):
            return None
        return self.following or self.subscription

    @property
    def awaits_shopify(self) -> bool:
        """Whether Shopify's next word is expected any moment, so that an open page asks for it."""
        return self.state in ("renewing", "frozen") or self.unconfirmed is not None

    @property
    def has_old_price(self) -> bool:
        """Whether new subscribers to the same plan get other terms."""
        held = self.subscription
        if held is None:
            return False
        today = Plan.objects.filter(handle=held.handle).values_list("price_usd", "credits").first()
        return today is not None and today != (held.price, held.credits)


@dataclass(frozen=True, slots=True)
class PlanCard:
    """One plan on sale and what choosing it would do.

    `is_recommended` is the one dominant choice of the page; `fits_use` only what the adviser, whose
    words stand on the same page, has named.
    """

    plan: Plan
    move: Move
    is_recommended: bool
    fits_use: bool


def standing(account: Account, balance: Balance, now: datetime) -> Standing:
    """How the account's plan stands, from what is written down here about all of its stores."""
    charges: list[Charge] = [
        *Subscription.objects.filter(shop__account=account).select_related("shop"),
        *Purchase.objects.filter(shop__account=account),
    ]
    charges.sort(key=lambda charge: charge.created_at, reverse=True)
    held = _held(charges)
    scheduled = [
        charge
        for charge in charges
        if isinstance(charge, Subscription) and is_scheduled(charge, held)
    ]
    open_charges = [
        charge
        for charge in charges
        if charge.is_open and charge not in scheduled and not _is_superseded(charge, held)
    ]
    return Standing(
        state=_state(account, balance, held),
        subscription=held,
        following=next(iter(scheduled), None),
        awaiting=next((charge for charge in open_charges if _is_approvable(charge, now)), None),
        unconfirmed=next((charge for charge in open_charges if charge.returned_at), None),
        unapproved=_unapproved(charges, now),
        unpaid_test=_unpaid_test(charges),
        granted_plan=account.plan.handle if account.plan and balance.kind == "staff" else "",
    )


def running_subscriptions() -> QuerySet[Subscription]:
    """Subscriptions that are active or frozen and count."""
    return Subscription.objects.filter(status__in=RUNNING).counting()


def running_subscription(shop: Shop) -> Subscription | None:
    """The store's subscription that is active or frozen."""
    return running_subscriptions().filter(shop=shop).order_by("-created_at").first()


def renewal(account: Account) -> Renewal:
    """Whether Shopify will bill another period for the account: the setting RENEWAL_SOURCE.

    Periods that no subscription of ours stands behind were granted by staff, who are expected to
    go on.
    """
    held = running_subscriptions().filter(shop__account=account)
    statuses = set(held.values_list("status", flat=True))
    if Status.ACTIVE in statuses:
        return "expected"
    if Status.FROZEN in statuses:
        return "unpaid"
    has_any = Subscription.objects.filter(shop__account=account).exists()
    return "ended" if has_any else "expected"


def paying_shop(account: Account) -> Shop | None:
    """The installed store through which the account pays: the one with a plan, else the first."""
    shops = list(
        Shop.objects.filter(account=account, state=Shop.State.INSTALLED).order_by("installed_at")
    )
    paying = [shop for shop in shops if running_subscription(shop)]
    return next(iter([*paying, *shops]), None)


def left_shop(account: Account) -> Shop | None:
    """The store that has removed the app, where none has it any more; None for a workspace."""
    shops = Shop.objects.filter(account=account)
    if shops.filter(state=Shop.State.INSTALLED).exists():
        return None
    return shops.filter(state=Shop.State.UNINSTALLED).order_by("-pk").first()


def is_scheduled(charge: Charge, present: Subscription | None) -> bool:
    """Whether a downgrade was approved and waits for the end of the running period.

    Shopify shows it as PENDING like one that nobody has approved. It is known to be approved when
    Shopify was asked after the merchant came back from its page, or after an approval would have
    lapsed.
    """
    if not isinstance(charge, Subscription) or not charge.replaces_later:
        return False
    if present is None or present.status != Status.ACTIVE or charge.status != Status.PENDING:
        return False
    if charge.created_at < present.created_at:
        return False
    known_from = charge.returned_at or charge.created_at + APPROVAL_WINDOW
    return BillingCheck.objects.filter(shop=charge.shop_id, checked_at__gte=known_from).exists()


def fingerprint(standing: Standing, balance: Balance, shop: Shop | None) -> str:
    """Changes whenever the page would look different."""
    named = (
        standing.subscription,
        standing.following,
        standing.awaiting,
        standing.unconfirmed,
        standing.unapproved,
        standing.unpaid_test,
    )
    seen: list[object] = [
        standing.state,
        balance.version,
        balance.plan,
        balance.package,
        failure(shop),
    ]
    seen += [(charge.pk, charge.status) if charge else None for charge in named]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def failure(shop: Shop | None) -> str:
    """Why Shopify could not be asked the last time; empty when it could."""
    check = BillingCheck.objects.filter(shop=shop).first() if shop else None
    return check.error if check else ""


def bill_url(standing: Standing) -> str:
    """Where the store that has not paid settles its Shopify bill; empty when none is unpaid."""
    if standing.state != "frozen" or standing.subscription is None:
        return ""
    return f"{admin_url(standing.subscription.shop.domain)}/settings/billing"


def plan_cards(standing: Standing, advice: Advice | None) -> list[PlanCard]:
    """The plans on sale as the operator orders them; at most one is recommended."""
    plans = list(Plan.objects.filter(on_sale=True).order_by("position", "price_usd"))
    recommended, fitting = _recommended(plans, standing, advice), _fitting(advice)
    return [
        PlanCard(
            plan=plan,
            move=_move(plan, standing),
            is_recommended=plan.handle == recommended,
            fits_use=plan.handle == fitting,
        )
        for plan in plans
    ]


def packages() -> list[Package]:
    """The packages on sale as the operator orders them."""
    return list(Package.objects.filter(on_sale=True).order_by("position", "price_usd"))


def advice(account: Account, standing: Standing, now: datetime) -> Advice | None:
    """The last cycles replayed, against the present plan at the price it was sold at."""
    held = standing.subscription if standing.state in ("active", "renewing", "frozen") else None
    present = None
    if held is not None:
        name = Plan.objects.filter(handle=held.handle).values_list("name", flat=True).first()
        present = Priced(held.handle, name or held.name, held.price, held.credits)
    return read_advice(account, present, now)


def _held(charges: list[Charge]) -> Subscription | None:
    """The running subscription, else the one that ended last."""
    subscriptions = [charge for charge in charges if isinstance(charge, Subscription)]
    running = [one for one in subscriptions if one.status in RUNNING and one.counts()]
    ended = [
        one for one in subscriptions if one.granted_until is not None and one.status not in RUNNING
    ]
    return next(iter([*running, *ended]), None)


def _unpaid_test(charges: list[Charge]) -> Subscription | None:
    subscriptions = [charge for charge in charges if isinstance(charge, Subscription)]
    running = [one for one in subscriptions if one.status in RUNNING]
    return next((one for one in running if not one.counts()), None)


def _is_superseded(charge: Charge, held: Subscription | None) -> bool:
    """Whether another plan was chosen since this downgrade was approved."""
    if held is None or not isinstance(charge, Subscription) or not charge.replaces_later:
        return False
    return charge.returned_at is not None and charge.created_at < held.created_at


def _is_approvable(charge: Charge, now: datetime) -> bool:
    lapses = charge.created_at + APPROVAL_WINDOW
    return bool(charge.confirmation_url) and charge.returned_at is None and now < lapses


def _unapproved(charges: list[Charge], now: datetime) -> Charge | None:
    """The newest charge, if nothing came of it just now."""
    newest = next(iter(charges), None)
    if newest is None or newest.ended_at is None or newest.ended_at < now - NEWS:
        return None
    lost = (Status.DECLINED, Status.EXPIRED, Status.REFUSED)
    return newest if newest.status in lost else None


def _state(account: Account, balance: Balance, held: Subscription | None) -> State:
    is_granted = balance.kind == "paid" and balance.resets_at is not None
    if held is not None and held.status in RUNNING:
        if held.status == Status.FROZEN:
            return "frozen"
        return "active" if is_granted else "renewing"
    if is_granted and held is not None and held.granted_until == balance.resets_at:
        return "cancelling"
    if is_granted or balance.kind == "staff":
        return "granted"
    if balance.trial_day is not None:
        return "trial"
    return "ended" if held is not None else _without_plan(account)


def _without_plan(account: Account) -> State:
    return "trial_ended" if history.began_with_trial(account.pk) else "none"


def _fitting(advice: Advice | None) -> str:
    """The plan that the adviser names as the cheapest way; empty when that is no plan at all."""
    return advice.best.plan.handle if advice is not None and advice.best.plan else ""


def _move(plan: Plan, standing: Standing) -> Move:
    if standing.state == "granted" and plan.handle == standing.granted_plan:
        return "current"  # Our staff has granted it: it is not for sale to who has it.
    held, later = standing.subscription, standing.following
    is_frozen = standing.state == "frozen"
    if held is None or not (is_frozen or held.status == Status.ACTIVE):
        return "subscribe"
    terms = (plan.handle, plan.price_usd, plan.credits)
    if terms == (held.handle, held.price, held.credits):
        return "current"
    if is_frozen:
        return "unavailable"
    if later is not None and terms == (later.handle, later.price, later.credits):
        return "scheduled"
    is_smaller = (plan.price_usd, plan.credits) < (held.price, held.credits)
    return "downgrade" if is_smaller else "upgrade"


def _recommended(plans: list[Plan], standing: Standing, advice: Advice | None) -> str:
    """The plan just cancelled, else the adviser's; without advice the first or next larger one."""
    if standing.state == "cancelling" and standing.subscription is not None:
        return standing.subscription.handle
    if advice is not None:
        return "" if advice.is_fitting else _fitting(advice)
    if standing.state == "frozen":
        return ""
    held = standing.subscription
    if held is None or held.status != Status.ACTIVE:
        return plans[0].handle if plans else ""
    larger = [plan for plan in plans if plan.price_usd > held.price]
    return larger[0].handle if larger else ""
