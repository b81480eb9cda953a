"""In which zone an account's days begin: the store's, or the one that the merchant chose."""

from __future__ import annotations

import pytest
from django.utils import timezone

from credits import ledger
from credits.accounts import zones
from credits.models import LedgerEntry
from shopify_auth.models import Shop
from tests.merchants import make_merchant, open_store

PAGE = "/dashboard/settings/zone"

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    return make_merchant("Olivia", "America/New_York")


def zone_of(merchant):
    merchant.account.refresh_from_db()
    return merchant.account.time_zone


def test_a_chosen_zone_stands_against_the_stores_own(olivia):
    assert olivia.client.post(PAGE, {"time_zone": "Asia/Tokyo"}).status_code == 302
    page = olivia.client.get(PAGE).text
    assert "at midnight in Asia/Tokyo" in page
    assert "English" in page
    zones.follow_store(olivia.account.pk, "Europe/Berlin")
    assert zone_of(olivia) == "Asia/Tokyo"


def test_without_a_choice_the_stores_zone_is_followed():
    store = open_store("olivias-mugs.myshopify.com")
    zones.follow_store(store.account.pk, "Europe/Berlin")
    assert zone_of(store) == "Europe/Berlin"
    zones.follow_store(store.account.pk, "Mars/Olympus")
    assert zone_of(store) == "Europe/Berlin"


def test_the_choice_can_be_given_back(olivia):
    Shop.objects.create(
        domain="o.myshopify.com", account=olivia.account, installed_at=timezone.now()
    )
    olivia.client.post(PAGE, {"time_zone": "Asia/Tokyo"})
    assert "As in Shopify" in olivia.client.get(PAGE).text
    olivia.client.post(PAGE, {"time_zone": ""})
    assert zone_of(olivia) == "America/New_York"
    zones.follow_store(olivia.account.pk, "Europe/Berlin")
    assert zone_of(olivia) == "Europe/Berlin"
    assert "time zone in Shopify" in olivia.client.get(PAGE).text


def test_a_choice_given_back_brings_the_stores_present_zone_at_once(olivia):
    Shop.objects.create(
        domain="o.myshopify.com", account=olivia.account, installed_at=timezone.now()
    )
    olivia.client.post(PAGE, {"time_zone": "Asia/Tokyo"})
    # The store moves while its zone is not followed.
    zones.follow_store(olivia.account.pk, "Europe/Berlin")
    assert zone_of(olivia) == "Asia/Tokyo"
    olivia.client.post(PAGE, {"time_zone": ""})
    assert zone_of(olivia) == "Europe/Berlin"
    page = olivia.client.get(PAGE).text
    assert "at midnight in Europe/Berlin" in page
    assert "time zone in Shopify" in page


@pytest.mark.parametrize("zone", ["Mars/Olympus", "CET", "../etc/passwd"])
def test_what_is_no_zone_changes_nothing(olivia, zone):
    assert olivia.client.post(PAGE, {"time_zone": zone}).status_code == 422
    assert zone_of(olivia) == "America/New_York"


def test_booked_days_stay_as_they_were_counted(olivia):
    ledger.spend(olivia.account.pk, 10, "run")
    days = list(LedgerEntry.objects.values_list("sequence", "day"))
    olivia.client.post(PAGE, {"time_zone": "Pacific/Kiritimati"})
    assert list(LedgerEntry.objects.values_list("sequence", "day")) == days
