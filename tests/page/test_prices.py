"""The page of all prices says what the catalogue charges, and when credits come back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from credits import ledger
from generations.catalog import TOOLS
from shopify_auth.models import Purchase, Shop
from tests.merchants import Merchant
from tests.page_reading import every, one, read_page, words

pytestmark = pytest.mark.django_db


def test_every_price_of_the_catalogue_is_on_the_page(owner: Merchant) -> None:
    page = read_page(owner.client.get("/dashboard/prices"))

    rows = [words(row) for row in every(page, "tr")]
    for tool in TOOLS.values():
        for variant in tool.variants:
            if variant.credits:
                lines = [row for row in rows if row.startswith(tool.name)]
                assert any(row.endswith(f" {variant.credits}") for row in lines), tool.slug
    assert "Object Removal 4K 60" in rows
    assert "AI Shadowing 1K–2K 50" in rows
    assert "Product Reels 8 seconds 800" in rows


def test_the_page_says_when_credits_come_back_and_how_to_save(owner: Merchant) -> None:
    text = words(one(read_page(owner.client.get("/dashboard/prices")), "main"))

    assert "Timeout errors No" in text
    assert "ecomVance platform error May be restored (discretionary)" in text
    assert "(10 from plan, 40 from package)" in text
    assert "Credits have no cash value." in text


def leads_there(owner: Merchant, path: str) -> bool:
    page = owner.client.get(f"/dashboard/{path}").text
    return 'href="/dashboard/prices' in page


def test_tools_receipts_and_warnings_lead_there(owner: Merchant) -> None:
    assert leads_there(owner, "tools")
    assert not leads_there(owner, "")
    spend = ledger.spend(owner.account.pk, 60, "spend", tool="image-enhance")
    assert leads_there(owner, f"usage/ledger/{spend.sequence}")
    # The warning stands on every page.
    assert leads_there(owner, "")


def test_receipts_of_charges_lead_there(owner: Merchant) -> None:
    now = timezone.now()
    shop = Shop.objects.create(domain="o.myshopify.com", account=owner.account, installed_at=now)
    assert not leads_there(owner, "plans")
    Purchase.objects.create(
        shop=shop, gid="gid://shopify/AppPurchaseOneTime/1", status="ACTIVE", name="Small package",
        handle="small", credits=500, price=9, created_at=now, granted_at=now,
    )  # fmt: skip
    assert leads_there(owner, "plans")
