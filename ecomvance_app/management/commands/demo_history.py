"""`manage.py demo_history`: three months of life for the demo store, or one of its states."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from credits import periods
from ecomvance_app import after_commit
from ecomvance_app.demo.billing import DemoBilling, DevStoreBusyError, demo_billing
from ecomvance_app.demo.story import HISTORY_DAYS, Cast, Story, play_history
from generations import catalog
from generations.engines import routing
from shopify_auth.demo import DEMO_SHOP
from shopify_auth.models import Membership, Person, Shop

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


def _trial_day(day: int) -> Callable[[Story], None]:
    def play(story: Story) -> None:
        for _day in range(day - 1):
            story.busy_day(most=3)
            _next_day(story)
        story.cut_out()

    return play


def _next_day(story: Story) -> None:
    opened = story.cast.account.opened_at
    days = (story.now - opened) // timedelta(days=1) + 1
    story.move(opened + timedelta(days=days, hours=1))


def _trial_ended(story: Story) -> None:
    _trial_day(3)(story)
    story.buy_package(500)
    story.move(periods.trial_end(story.cast.account.opened_at) + timedelta(hours=2))


def _quiet_month(story: Story) -> None:
    _trial_ended(story)
    story.wait(days=62)


def _low(story: Story) -> None:
    play_history(story)
    story.spend_down_to(50)


def _below_cheapest(story: Story) -> None:
    play_history(story)
    story.spend_down_to(10)


def _zero(story: Story) -> None:
    play_history(story)
    story.spend_down_to(0)


def _trial_zero(story: Story) -> None:
    _trial_day(3)(story)
    _next_day(story)
    for _run in range(periods.TRIAL_CREDITS // catalog.price("image-enhance")):
        story.spend("image-enhance")


def _ten_days_on_a_plan(story: Story, billing: DemoBilling) -> None:
    billing.subscribe("starter")
    billing.buy("small")
    for _day in range(10):
        story.busy_day(most=4)
        _next_day(story)


def _renewal_pending(story: Story) -> None:
    start = story.now
    with demo_billing(story) as billing:
        _ten_days_on_a_plan(story, billing)
    story.move(start + periods.BILLING_CYCLE + timedelta(minutes=20))


def _frozen(story: Story) -> None:
    start = story.now
    with demo_billing(story) as billing:
        _ten_days_on_a_plan(story, billing)
        billing.leave_unpaid()
        story.move(start + periods.BILLING_CYCLE + timedelta(minutes=20))
        billing.reconcile_charges()


def _cancelling(story: Story) -> None:
    with demo_billing(story) as billing:
        _ten_days_on_a_plan(story, billing)
        billing.cancel()


STATES: dict[str, Callable[[Story], None]] = {
    "history": play_history,
    "low": _low,
    "below-cheapest": _below_cheapest,
    "zero": _zero,
    "trial-day-5": _trial_day(5),
    "trial-last-day": _trial_day(periods.TRIAL_PERIODS),
    "trial-zero": _trial_zero,
    "trial-ended": _trial_ended,
    "quiet-month": _quiet_month,
    "renewal-pending": _renewal_pending,
    "cancelling": _cancelling,
    "frozen": _frozen,
}


class Command(BaseCommand):
    """Plays the story forward from now; the business clock of the demo stands at its end after."""

    help = "Give the demo store three months of life, or set up one state (needs DEV_STORE)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which state, and how long a history it comes from."""
        parser.add_argument(
            "--state",
            choices=sorted(STATES),
            default="history",
            help="what the demo store's account is like afterwards (default: history)",
        )

        parser.add_argument(
            "--days",
            type=int,
            default=HISTORY_DAYS,
            help=f"length of the history (default: {HISTORY_DAYS})",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play it; CommandError when there is no fresh demo store to play it in."""
        if not (settings.DEBUG and settings.DEV_STORE):
            raise CommandError(
                "The story moves the business clock: set DEBUG=on and DEV_STORE to the fake "
                "Shopify's address, as scripts/run does."
            )
        reason = routing.unavailable_reason("background-removal")
        if reason:
            raise CommandError(reason)
        story = Story(_cast(), options["days"])
        # No worker is needed: each run has ended when it is committed, and the sweep mails what is
        # left. So neither the broker nor the pages need to be there, nor who takes the webhooks.
        logging.getLogger("shopify_auth.devstore.courier").setLevel(logging.ERROR)
        try:
            with after_commit.withheld():
                STATES[options["state"]](story)
        except DevStoreBusyError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{story.cast.account}: {story.total} credits on {story.now:%d %B %Y}")


def _cast() -> Cast:
    shop = Shop.objects.select_related("account").filter(domain=DEMO_SHOP).first()
    account = shop.account if shop is not None else None
    if account is None:
        raise CommandError("There is no demo store: run “manage.py demo_store” first.")
    if account.version > 1:
        raise CommandError(
            "The demo store has a history already. Start over with “scripts/run --reset”."
        )
    owner = Person.objects.filter(memberships__account=account).order_by("pk").first()
    staff = Person.objects.filter(is_staff=True).order_by("pk").first()
    if owner is None or staff is None:
        raise CommandError("The demo store has no merchant: run “manage.py demo_store” first.")
    colleague = Person.objects.create_user("mika@ecomvance.test", name="Mika Maker")
    Membership.objects.create(person=colleague, account=account, role=Membership.Role.MAKER)
    return Cast(account, owner, colleague, staff)
