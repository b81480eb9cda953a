"""What our staff see of stores and webhooks, and what they may do."""

from __future__ import annotations

import pytest
from django.test import Client

from shopify_auth.models import OfflineToken, Person, Shop, WebhookDelivery
from tests.embedded import SHOP, open_page
from tests.shopify_auth.webhooks.post import body_of, post, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db):
    """Sasha, who may do everything."""
    client = Client()
    client.force_login(Person.objects.create_superuser("sasha@example.com", "x", name="Sasha"))
    return client


@pytest.fixture
def shop(store_access):
    """Olivia's store, which has the app."""
    open_page(Client())
    return Shop.objects.get(domain=SHOP)


def test_staff_find_a_store_and_never_its_tokens(staff, shop):
    token = OfflineToken.objects.get(shop=shop)
    listed = staff.get("/staff/shopify_auth/shop/", {"q": "olivia"})
    page = staff.get(f"/staff/shopify_auth/shop/{shop.pk}/change/")
    assert SHOP in listed.text
    assert "Active" in listed.text
    for secret in (token.access_token, token.refresh_token):
        assert secret not in listed.text + page.text
    assert staff.get("/staff/shopify_auth/offlinetoken/").status_code == 404


def test_staff_see_which_permissions_a_store_has_still_to_give(staff, shop, settings):
    assert "read_products" in staff.get("/staff/shopify_auth/shop/").text
    settings.SHOPIFY_SCOPES = ["read_products", "write_files"]
    assert "read_products: more are needed" in staff.get("/staff/shopify_auth/shop/").text


def test_staff_replay_a_webhook(staff, shop):
    post("app/scopes_update", webhook_id="one")
    work()
    delivery = WebhookDelivery.objects.get()
    form = {"action": "replay", "_selected_action": [str(delivery.pk)]}
    page = staff.post("/staff/shopify_auth/webhookdelivery/", form, follow=True)
    assert "1 webhook is handled again." in page.text
    assert WebhookDelivery.objects.get().handled_at is None
    work()
    assert WebhookDelivery.objects.get().outcome == "Scopes read"


def test_a_webhook_that_names_no_store_is_not_replayed(staff, shop):
    post("customers/redact", body_of("app/uninstalled"))
    work()
    delivery = WebhookDelivery.objects.get()
    form = {"action": "replay", "_selected_action": [str(delivery.pk)]}
    page = staff.post("/staff/shopify_auth/webhookdelivery/", form, follow=True)
    assert "1 name no store that is known." in page.text
    assert WebhookDelivery.objects.get().handled_at is not None


@pytest.mark.parametrize("model", ["shop", "person", "webhookdelivery", "erasure"])
def test_every_page_of_the_staff_admin_opens(staff, shop, model):
    assert staff.get(f"/staff/shopify_auth/{model}/").status_code == 200


@pytest.mark.parametrize("model", ["shop", "webhookdelivery", "erasure"])
def test_nothing_is_added_by_hand(staff, model):
    assert staff.get(f"/staff/shopify_auth/{model}/add/").status_code == 403


def test_staff_open_a_person(staff, shop):
    person = Person.objects.get(shop_staff__shop=shop)
    assert staff.get(f"/staff/shopify_auth/person/{person.pk}/change/").status_code == 200
    made = {
        "email": "new@example.com",
        "name": "New",
        "password1": "x9-long-one",
        "password2": "x9-long-one",
        "usable_password": "true",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }
    assert staff.post("/staff/shopify_auth/person/add/", made).status_code == 302
    assert Person.objects.filter(email="new@example.com").exists()


def test_a_merchant_is_no_staff(owner):
    assert owner.client.get("/staff/shopify_auth/shop/").status_code == 302
