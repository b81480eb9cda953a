"""The control page: events the merchant or time would cause, and switches to misbehave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import available_timezones

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict

from ecomvance_app import clock
from shopify_auth.devstore import billing, webhooks
from shopify_auth.devstore.admin.html import page, refuse_foreign_post
from shopify_auth.devstore.admin_api.endpoints import SLOW_SECONDS
from shopify_auth.devstore.fake import FakeRequest, shop_by_handle
from shopify_auth.devstore.state import (
    ALWAYS,
    DeliveryStatus,
    Misbehaviour,
    Shop,
    State,
    first_state,
)

SWITCHES = {
    "Admin API": {
        "slow": f"Answers after {SLOW_SECONDS} seconds, which is too late",
        "server_error": "500 Internal Server Error",
        "too_many_requests": "429 Too Many Requests",
        "throttled": "THROTTLED inside a 200",
        "frozen_store": "402, the store is frozen",
        "locked_store": "423, the store is locked",
        "address_not_allowed": "403, our address is not on the allow-list",
        "non_expiring_refused": "403 for tokens that do not expire",
    },
    "Tokens": {
        "exchange_refused": "The session token is refused (invalid_subject_token)",
        "client_refused": "The app's credentials are refused (invalid_client)",
        "refresh_520_before": "520 instead of a refresh",
        "refresh_520_after": "520 after the refresh was done",
        "expiry_left_out": "expires_in is missing",
    },
    "Webhooks": {
        "webhook_lost": "Lost",
        "webhook_twice": "Delivered twice",
        "webhook_late": f"{webhooks.LATE_SECONDS} seconds late",
        "webhook_reordered": "Held back until the next one has passed",
        "webhook_forged": "Signed with another secret",
    },
    "Billing": {
        "payment_stays_pending": "An approved charge stays PENDING",
        "decline_returns_to_app": "Declining returns to the app's return address",
        "renewal_unpaid": "The renewal cannot be paid (FROZEN)",
        "period_end_hidden": "Test subscriptions show no currentPeriodEnd",
    },
}
CLOCK_STEPS = {
    "hour": ("1 hour on", timedelta(hours=1)),
    "day": ("1 day on", timedelta(days=1)),
    "two_days": ("2 days on", timedelta(days=2)),
    "cycle": ("30 days on", billing.CYCLE),
}


@dataclass(frozen=True)
class Press:
    """A button that was pressed: in which store, with which values."""

    state: State
    shop: Shop
    form: QueryDict


def controls(request: FakeRequest, handle: str) -> HttpResponse:
    """The control page of one store."""
    with request.fake.store.change() as state:
        billing.let_time_pass(state, clock.now())
    request.fake.courier.wake()
    state = request.fake.store.copy()
    shop = shop_by_handle(state, handle)
    switches = {
        title: [
            {"name": name, "label": label, "left": getattr(shop.misbehaviour, name)}
            for name, label in group.items()
        ]
        for title, group in SWITCHES.items()
    }
    context = {
        "current": "controls",
        "switches": switches,
        "charges": reversed(shop.charges),
        "deliveries": [d for d in reversed(state.deliveries) if d.shop_domain == shop.domain][:40],
        "compliance_topics": webhooks.COMPLIANCE_TOPICS,
        "always": ALWAYS,
        "clock_steps": [(step, label) for step, (label, _) in CLOCK_STEPS.items()],
    }
    return page(request, shop, "controls.html", context)


def act(request: FakeRequest, handle: str, action: str) -> HttpResponse:
    """Press one of the page's buttons."""
    refuse_foreign_post(request)
    if action not in ACTIONS:
        raise Http404
    with request.fake.store.change() as state:
        ACTIONS[action](Press(state, shop_by_handle(state, handle), request.POST))
        billing.let_time_pass(state, clock.now())
    request.fake.courier.wake()
    return HttpResponseRedirect(f"/store/{handle}/controls")


def move_clock(step: timedelta) -> datetime:
    """Put the business clock of both sides ahead by `step`; the new time."""
    file = clock.shift_file()
    shift = step.total_seconds() + (float(file.read_text()) if file.exists() else 0)
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(str(shift))
    draft.replace(file)
    return clock.now()


def _install(press: Press) -> None:
    if not press.shop.installed:
        billing.install(press.shop, settings.SHOPIFY_SCOPES, press.state.take_number())


def _uninstall(press: Press) -> None:
    billing.uninstall(press.state, press.shop, clock.now())


def _move_clock(press: Press) -> None:
    step = press.form.get("step", "")
    if step in CLOCK_STEPS:
        move_clock(CLOCK_STEPS[step][1])


def _reset_clock(_press: Press) -> None:
    clock.shift_file().unlink(missing_ok=True)


def _switch(press: Press) -> None:
    name = press.form.get("name", "")
    if name in Misbehaviour.model_fields:
        setattr(press.shop.misbehaviour, name, int(press.form.get("count", "0")))


def _behave(press: Press) -> None:
    press.shop.misbehaviour = Misbehaviour()


def _revoke_tokens(press: Press) -> None:
    press.shop.tokens.clear()


def _expire_access_tokens(press: Press) -> None:
    for token in press.shop.tokens:
        if token.expires_at is not None:
            token.expires_at = 0


def _store_settings(press: Press) -> None:
    """Save the store's own settings, as its owner does in the admin."""
    zone = press.form.get("time_zone", "").strip()
    if zone not in available_timezones():
        raise Http404
    press.shop.time_zone = zone
    press.shop.name = press.form.get("name", "").strip() or press.shop.name
    press.shop.email = press.form.get("email", "").strip()
    webhooks.send_shop_update(press.state, press.shop, clock.now())


def _compliance(press: Press) -> None:
    topic = press.form.get("topic", "")
    if topic in webhooks.COMPLIANCE_TOPICS:
        webhooks.send_compliance(press.state, press.shop, topic, clock.now())


def _recover(press: Press) -> None:
    billing.recover(press.state, press.shop, clock.now())


def _charge(press: Press) -> None:
    """Approve, decline, pay or cancel one charge as the merchant or the bank would."""
    charge = billing.find(press.shop, int(press.form.get("number", "0")))
    verb = press.form.get("verb")
    now = clock.now()
    if charge is None:
        raise Http404
    if verb == "approve":
        billing.approve(press.state, press.shop, charge, now)
    elif verb == "pay" and charge.approved and charge.status == "PENDING":
        billing.confirm_payment(press.state, press.shop, charge, now)
    elif verb == "decline":
        billing.decline(press.state, press.shop, charge, now)
    elif verb == "cancel" and charge is billing.running_subscription(press.shop):
        billing.cancel(press.state, press.shop, charge, now)


def _resend(press: Press) -> None:
    """Send a delivery again with its old id, as Shopify's retries do."""
    for delivery in press.state.deliveries:
        if delivery.webhook_id == press.form.get("webhook_id"):
            delivery.status = DeliveryStatus.WAITING
            delivery.attempts = 0
            delivery.due_at = 0


def _reset(press: Press) -> None:
    fresh = first_state(settings.SHOPIFY_SCOPES)
    press.state.shops, press.state.deliveries = fresh.shops, []
    clock.shift_file().unlink(missing_ok=True)


ACTIONS: dict[str, Callable[[Press], None]] = {
    "install": _install,
    "uninstall": _uninstall,
    "clock": _move_clock,
    "clock_reset": _reset_clock,
    "switch": _switch,
    "behave": _behave,
    "revoke_tokens": _revoke_tokens,
    "expire_access_tokens": _expire_access_tokens,
    "store_settings": _store_settings,
    "compliance": _compliance,
    "recover": _recover,
    "charge": _charge,
    "resend": _resend,
    "reset": _reset,
}
