"""Charges and renewals are told by mail, in Shopify's own amounts."""

from __future__ import annotations

import pytest

from credits.accounts import notices
from credits.models import Notice
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


def told() -> list[tuple[str, str]]:
    return [(notice.kind, notice.subject) for notice in Notice.objects.order_by("pk")]


def test_a_package_is_told_once_with_its_price_and_its_entry(olivia):
    row = olivia.buy("small")
    for _again in range(2):
        olivia.nudge()
    [notice] = Notice.objects.all()
    assert (notice.kind, notice.subject) == ("charge", "Small package purchased")
    assert "500 package credits were added. They never expire." in notice.text
    assert f"“{row.name}”" in notice.text
    assert notice.path == "/dashboard/usage/ledger/2"


def test_the_first_period_is_a_charge_and_the_next_a_renewal(olivia):
    olivia.subscribe("starter")
    olivia.nudge()
    assert told() == [("charge", "Starter plan: your plan has started")]
    olivia.devstore.move_clock(days=30)
    olivia.nudge()
    assert told()[1:] == [("renewal", "Starter plan: your plan has renewed")]
    assert "3,000 plan credits were added." in Notice.objects.latest("pk").text


def test_an_upgrade_says_what_it_adds_and_that_shopify_prorates(olivia):
    olivia.subscribe("starter")
    olivia.nudge()
    olivia.subscribe("growth")
    olivia.nudge()
    notice = Notice.objects.latest("pk")
    assert notice.subject == "Growth plan: your plan has started"
    assert "5,500 plan credits were added." in notice.text
    assert "Shopify prorates the first payment." in notice.text or "test charge" in notice.text


def test_an_unpaid_bill_is_told_once(olivia):
    olivia.subscribe("starter")
    olivia.nudge()
    olivia.devstore.misbehave(handle=olivia.handle, renewal_unpaid=1)
    olivia.devstore.move_clock(days=30)
    for _again in range(2):
        olivia.nudge()
    assert told()[1:] == [("charge", "Starter plan: the bill is unpaid")]


def test_what_is_declined_is_not_told(olivia):
    olivia.buy("small", "decline")
    olivia.nudge()
    assert told() == []


def test_renewals_can_be_turned_off(olivia):
    notices.choose(olivia.account.pk, ["charge"])
    olivia.subscribe("starter")
    olivia.nudge()
    olivia.devstore.move_clock(days=30)
    olivia.nudge()
    assert [kind for kind, _subject in told()] == ["charge"]
