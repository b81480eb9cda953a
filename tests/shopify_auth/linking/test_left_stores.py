"""A store that has removed the app: what its people on the web read, and what they cannot press."""

from __future__ import annotations

import pytest
from django.utils import timezone

from shopify_auth.models import Shop
from tests.merchants import Merchant

PAGES = ("/dashboard/settings/connection", "/dashboard/plans")


@pytest.fixture
def left(owner: Merchant) -> Shop:
    return Shop.objects.create(
        domain="left-mugs.myshopify.com", account=owner.account, installed_at=timezone.now(),
        state=Shop.State.UNINSTALLED,
    )  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_say_who_left_and_how_to_come_back(
    owner: Merchant, left: Shop, page: str
) -> None:
    text = owner.client.get(page).text
    assert "left-mugs.myshopify.com has removed ecomVance" in text
    assert "the same package credits" in text
    assert "No store yet" not in text
    assert "No store is connected" not in text


def test_the_way_back_leads_to_the_stores_installation(owner: Merchant, left: Shop) -> None:
    text = owner.client.get(PAGES[0]).text
    assert "left-mugs.myshopify.com/admin/oauth/install" in text


def test_its_account_is_no_workspace_to_be_closed(owner: Merchant, left: Shop) -> None:
    text = owner.client.get("/dashboard/settings/data").text
    assert "Close this workspace" not in text
    assert "when the store removes the app" in text
    form = {"sure": "on"}
    assert owner.client.post("/dashboard/settings/close", form).status_code == 422
    owner.account.refresh_from_db()
    assert owner.account.retired_at is None


@pytest.mark.parametrize("page", PAGES)
def test_with_another_store_installed_nothing_is_said(
    owner: Merchant, left: Shop, page: str
) -> None:
    Shop.objects.create(
        domain="stays.myshopify.com", account=owner.account, installed_at=timezone.now()
    )
    assert "has removed ecomVance" not in owner.client.get(page).text
