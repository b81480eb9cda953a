"""One search finds whatever a merchant may name, and nothing that is not one's to see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from credits import ledger
from credits.models import AlertRecipient, LedgerEntry
from generations.models import Generation
from shopify_auth.domains import hashed_domain
from shopify_auth.models import Purchase, Shop, WebhookDelivery
from tests.credits.test_admin import staff_client
from tests.merchants import Merchant, open_store
from tests.shopify_auth.webhooks.post import post

pytestmark = pytest.mark.django_db
GID = "gid://shopify/AppPurchaseOneTime/42"


def found(client: Client, text: str) -> str:
    """Where the search leads: the one thing's address, or the page of hits."""
    response = client.get(reverse("admin:staff_search"), {"q": text})
    return str(response["Location"]) if response.status_code == 302 else response.text


def account_url(pk: int) -> str:
    return reverse("admin:staff_account", args=[pk])


@pytest.fixture
def shop(db: None) -> Shop:
    """Olivia's store, with a package bought and a webhook received."""
    shop = Shop.objects.get(domain=open_store("olivia-shop.myshopify.com").domain)
    Purchase.objects.create(
        shop=shop, gid=GID, name="Small", handle="small", credits=500, price=5,
        receipt="ABCD2345", created_at=timezone.now(),
    )  # fmt: skip
    post("app/scopes_update", webhook_id="hook-17")
    return shop


@pytest.mark.parametrize(
    "text",
    [
        "olivia-shop.myshopify.com", "https://Olivia-Shop.myshopify.com/", "olivia-shop", "700001",
        GID, "abcd2345",
    ],
)  # fmt: skip
def test_a_store_or_a_charge_leads_to_its_account(chief: Client, shop: Shop, text: str) -> None:
    assert found(chief, text).startswith(account_url(shop.account_id or 0))


def test_a_charges_number_alone_finds_it(chief: Client, shop: Shop) -> None:
    Purchase.objects.update(gid="gid://shopify/AppPurchaseOneTime/9876543210")

    assert found(chief, "9876543210") == f"{account_url(shop.account_id or 0)}#charges"


def test_an_erased_store_is_found_by_the_domain_that_it_had(chief: Client, shop: Shop) -> None:
    Shop.objects.update(domain=hashed_domain(shop.domain), name="", state="redacted")

    for text in ("olivia-shop.myshopify.com", "olivia-shop"):
        assert found(chief, text) == account_url(shop.account_id or 0)


def test_an_address_finds_its_person_and_the_accounts_that_mail_it(
    chief: Client, owner: Merchant, second_shop: Merchant
) -> None:
    assert found(chief, "Olivia@example.com") == account_url(owner.account.pk)
    assert found(chief, "olivia@") == account_url(owner.account.pk)
    AlertRecipient.objects.create(account=second_shop.account, email="books@example.com")
    assert found(chief, "books@example.com") == account_url(second_shop.account.pk)


def test_an_entry_is_found_by_its_number_and_by_account_and_sequence(
    chief: Client, owner: Merchant
) -> None:
    entry = LedgerEntry.objects.get(account=owner.account)
    url = f"{account_url(owner.account.pk)}?before=2#entry-1"

    assert found(chief, f"{owner.account.pk}/1") == url
    assert url in found(chief, str(entry.pk)).replace("&#x27;", "'")


def test_a_run_is_found_by_its_id_the_beginning_of_it_and_its_product(
    chief: Client, failed_run: Generation
) -> None:
    Generation.objects.update(product_title="Sam D'Örly's hand-thrown mug")
    url = reverse("admin:staff_run", args=[failed_run.pk])

    for text in (str(failed_run.pk), str(failed_run.pk)[:13], "thrown mug", "örly", "hand-thr"):
        assert found(chief, text) == url


@pytest.mark.parametrize("text", ["'; drop", "&|!", "a" * 500, "9" * 30, "\x00", "gid:", "@", "…"])
def test_odd_texts_find_nothing_and_break_nothing(
    chief: Client, failed_run: Generation, text: str
) -> None:
    response = chief.get(reverse("admin:staff_search"), {"q": text})

    assert response.status_code in {200, 404}
    assert str(failed_run.pk) not in response.text


def test_a_webhook_is_found_by_shopifys_id(chief: Client, shop: Shop) -> None:
    row = WebhookDelivery.objects.get()

    assert found(chief, row.webhook_id) == reverse(
        "admin:shopify_auth_webhookdelivery_change", args=[row.pk]
    )


@pytest.mark.parametrize(
    "text",
    ["store.myshopify.com", "a@example.com", GID, "7/12", "0f8fad5b-d9cd-469f-a165-70867728950e"],
)
def test_ids_and_addresses_are_not_looked_for_among_names(chief: Client, text: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        found(chief, text)

    assert not [
        query
        for query in asked.captured_queries
        if '"name"::text' in query["sql"] and "%" in query["sql"]
    ]


def test_what_one_may_not_see_is_not_found(shop: Shop, owner: Merchant) -> None:
    client = staff_client("view_account")

    assert "Nothing is found" in found(client, "olivia@example.com")
    assert "Nothing is found" in found(client, GID)
    assert found(client, "Olivia's") == account_url(owner.account.pk)


def test_it_takes_as_many_queries_however_much_there_is(
    chief: Client, owner: Merchant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        ledger.open_account(name=f"Mug store {number}")
    with django_assert_max_num_queries(24):
        assert found(chief, "Mug store").count("staff-hit") >= 10
