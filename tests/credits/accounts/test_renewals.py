"""What the end of the running period brings: the same on the card, in the popover and the banner."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from credits import ledger
from tests.page_reading import one, read_page, words

pytestmark = pytest.mark.django_db
SAID = (
    "Trial credits reset on:", "Trial ends on:", "Plan credits reset on:",
    "Plan credits expire on:", "Plan ends on:",
)  # fmt: skip


def places(merchant) -> dict[str, str]:
    """What Home says in each place where it names the period's end."""
    page = read_page(merchant.client.get("/dashboard/"))
    return {
        "card": words(one(page, "section", **{"aria-labelledby": "balance-card"})),
        "popover": words(one(page, id="balance-popover")),
        "banner": words(one(page, id="page-banner")),
    }


def check(shown: dict[str, str], said: str, *where: str) -> None:
    """The places say this and nothing else about the end of the period."""
    for place in where:
        assert [words for words in SAID if words in shown[place]] == [said], place


def local(merchant, instant: datetime) -> datetime:
    """The instant on the clocks of the merchant's store."""
    return instant.astimezone(ZoneInfo(merchant.account.time_zone))


def spend_down(merchant) -> None:
    balance = merchant.total
    ledger.spend(merchant.account.pk, balance - 30, "down", tool="image-enhance")


@pytest.mark.parametrize("days", [0, 5])
def test_a_trial_day_is_refilled(owner, time_machine, days):
    time_machine.move_to(owner.account.opened_at + timedelta(days=days, hours=1), tick=False)
    ledger.settle(owner.account.pk)
    spend_down(owner)

    shown = places(owner)

    check(shown, "Trial credits reset on:", "card", "popover", "banner")
    assert f"Free trial, day {days + 1} of 7." in shown["card"]
    assert f"Day {days + 1} of 7" in shown["popover"]


def test_the_trials_last_day_ends_it(owner, time_machine):
    time_machine.move_to(owner.account.opened_at + timedelta(days=6, hours=1), tick=False)
    ledger.settle(owner.account.pk)
    last_day = places(owner)["banner"]
    spend_down(owner)

    check(places(owner), "Trial ends on:", "card", "popover", "banner")
    end = owner.account.opened_at + timedelta(days=7)
    assert "Last day of your free trial" in last_day
    assert f"{local(owner, end):%B %-d, %Y, %H:%M} ({owner.account.time_zone})" in last_day


def test_a_plan_is_reset(owner):
    now = timezone.now()
    end = now + timedelta(days=30)
    ledger.start_plan_period(owner.account.pk, "starter", now, end, key="period", now=now)
    spend_down(owner)

    shown = places(owner)

    check(shown, "Plan credits reset on:", "card", "popover", "banner")
    assert f"{local(owner, end):%B %-d, %Y, %H:%M} ({owner.account.time_zone})" in shown["banner"]


def test_a_remainder_expires(owner, time_machine):
    time_machine.move_to(owner.account.opened_at + timedelta(days=8), tick=False)
    ledger.settle(owner.account.pk)
    ledger.adjust(owner.account.pk, "plan", 30, "goodwill", "staff:9", "Blurred result")

    check(places(owner), "Plan credits expire on:", "card", "popover", "banner")


def test_credits_that_expire_soon_are_named_with_the_hour(owner, time_machine):
    now = timezone.now()
    end = now + timedelta(days=30)
    ledger.start_plan_period(owner.account.pk, "starter", now, end, key="period", now=now)
    time_machine.move_to(end - timedelta(days=2), tick=False)
    owner.client.force_login(owner.person)  # A session ends after two weeks.

    banner = places(owner)["banner"]

    assert "3,000 plan credits expire soon" in banner
    until = f"{local(owner, end):%B %-d, %Y, %H:%M} ({owner.account.time_zone})"
    assert f"expire on {until}" in banner
