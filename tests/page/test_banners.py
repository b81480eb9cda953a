"""One banner at a time: which one, by the priority of what it says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from credits import ledger
from shopify_auth.models import Shop
from shopify_auth.models.charges import Charge, Subscription

pytestmark = pytest.mark.django_db


def banner(merchant) -> str:
    """The title of the page's banner, empty without one; there is never a second."""
    merchant.client.force_login(merchant.person)  # A session ends after two weeks.
    page = merchant.client.get("/dashboard/settings").content.decode()
    slot = page[page.index('<div class="page__banner">') : page.index('<div class="page__body">')]
    titles = re.findall(r"<h2>(.*?)</h2>", slot, re.DOTALL)
    assert len(titles) <= 1
    return strip_tags(titles[0]).strip() if titles else ""


def subscribe(merchant) -> None:
    now = timezone.now()
    ledger.start_plan_period(
        merchant.account.pk, "starter", now, now + timedelta(days=30), key="period", now=now
    )


def freeze(merchant) -> None:
    shop = Shop.objects.create(
        domain="olivia.myshopify.com", account=merchant.account, installed_at=timezone.now()
    )
    Subscription.objects.create(
        shop=shop, status=Charge.Status.FROZEN, name="Starter", handle="starter", credits=3000,
        price=19, created_at=timezone.now(),
    )  # fmt: skip


def test_nothing_to_say(owner):
    assert banner(owner) == ""


def test_the_trials_last_day_and_its_end(owner, time_machine):
    ledger.add_package(owner.account.pk, 500, key="package")
    opened = owner.account.opened_at

    time_machine.move_to(opened + timedelta(days=5, hours=1), tick=False)
    assert banner(owner) == ""
    time_machine.move_to(opened + timedelta(days=6, hours=1), tick=False)
    assert banner(owner) == "Last day of your free trial"
    time_machine.move_to(opened + timedelta(days=7), tick=False)
    assert banner(owner) == "Your free trial has ended"


def test_no_credits_left_comes_before_the_ended_trial(owner, time_machine):
    time_machine.move_to(owner.account.opened_at + timedelta(days=8), tick=False)

    assert banner(owner) == "You have no credits left"


def test_plan_credits_that_expire_within_three_days(owner, time_machine):
    subscribe(owner)
    ledger.spend(owner.account.pk, 500, "some")
    now = timezone.now()

    time_machine.move_to(now + timedelta(days=26), tick=False)
    assert banner(owner) == ""
    time_machine.move_to(now + timedelta(days=28), tick=False)
    assert banner(owner) == "2,500 plan credits expire soon"


def test_low_credits_come_before_their_expiry(owner, time_machine):
    subscribe(owner)
    ledger.spend(owner.account.pk, 2800, "most")

    time_machine.move_to(timezone.now() + timedelta(days=28), tick=False)
    assert banner(owner) == "Low credits warning"


def test_an_unpaid_bill_comes_first(owner):
    subscribe(owner)
    freeze(owner)
    ledger.spend(owner.account.pk, 3000, "all")

    assert banner(owner) == "Shopify reports an unpaid bill"


def test_another_stores_bill_is_not_this_ones(owner, second_shop):
    freeze(owner)

    assert banner(second_shop) == ""


def test_permissions_that_a_store_has_still_to_give(owner, settings):
    Shop.objects.create(
        domain="olivia.myshopify.com",
        account=owner.account,
        installed_at=timezone.now(),
        scopes=["read_products"],
    )
    assert banner(owner) == ""
    settings.SHOPIFY_SCOPES = ["read_products", "write_files"]
    assert banner(owner) == "olivia.myshopify.com has to approve new permissions"
    Shop.objects.update(scopes=["read_products", "write_files"])
    assert banner(owner) == ""
