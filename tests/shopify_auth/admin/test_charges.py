"""What staff see of billing, and the button that compares a store with Shopify."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.forms import model_to_dict
from django.test import Client

from shopify_auth.models import BillingDifference, Person, Purchase
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = pytest.mark.django_db
CHECKS = "/staff/shopify_auth/billingcheck/"


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("staff@example.com", "correct horse"))
    return client


def press(client: Client, path: str, action: str, *rows: int):
    form = {"action": action, "_selected_action": [str(row) for row in rows]}
    return client.post(path, form, follow=True)


def test_the_button_grants_what_no_nudge_has_brought(olivia, staff):
    olivia.buy("small")

    told = press(staff, CHECKS, "compare", olivia.shop.pk)

    assert "1 charge was put right." in told.content.decode()
    assert olivia.account.package_balance == 500


def test_it_says_when_shopify_cannot_be_asked(olivia, staff):
    olivia.buy("small")
    olivia.devstore.misbehave(handle=olivia.handle, locked_store=1)

    assert "the store is locked" in press(staff, CHECKS, "compare", olivia.shop.pk).content.decode()


def test_differences_are_dealt_with(olivia, staff):
    olivia.buy("small")
    Purchase.objects.all().delete()
    with olivia.devstore.changed_shop(olivia.handle) as shop:
        shop.charges[0].name = "A million credits"
    olivia.nudge()
    row = BillingDifference.objects.get()

    press(staff, "/staff/shopify_auth/billingdifference/", "resolve", row.pk)

    row.refresh_from_db()
    assert row.resolved_at is not None


@pytest.mark.parametrize("model", ["subscription", "purchase", "billingcheck", "billingdifference"])
def test_nothing_of_it_can_be_edited(olivia, staff, model):
    olivia.subscribe("starter")
    olivia.buy("small")
    with olivia.devstore.changed_shop(olivia.handle) as shop:
        shop.charges[0].price += 1
    olivia.nudge()

    listed = staff.get(f"/staff/shopify_auth/{model}/").content.decode()

    assert "olivias-mugs" in listed
    assert staff.get(f"/staff/shopify_auth/{model}/add/").status_code == 403
    row = apps.get_model("shopify_auth", model).objects.get()
    kept = model_to_dict(row)
    page = f"/staff/shopify_auth/{model}/{row.pk}"
    for form in ({"status": "ACTIVE", "credits": "1"}, {}):
        assert staff.post(f"{page}/change/", form).status_code == 403
    assert staff.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    press(staff, f"/staff/shopify_auth/{model}/", "delete_selected", row.pk)
    row.refresh_from_db()
    assert model_to_dict(row) == kept


def test_the_return_reference_is_shown_to_nobody(olivia, staff):
    row = olivia.buy("small")

    page = staff.get(f"/staff/shopify_auth/purchase/{row.pk}/change/").content.decode()

    assert row.receipt in page
    assert row.reference not in page
