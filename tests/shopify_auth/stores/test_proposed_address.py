"""A store that is new hears of the mails on Home, by the address that it has told Shopify."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from credits.accounts import recipients
from shopify_auth.models import Shop
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP, SHOP, bearer, open_page, session_token

pytestmark = pytest.mark.django_db


def test_a_new_store_is_asked_for_its_own_address(store_access: DevStore, mailoutbox):
    with store_access.changed_shop(SHOP.removesuffix(".myshopify.com")) as told:
        told.email = "Hello@Mugs.example"
    page = open_page(Client()).text
    assert "0 of 2 done" in page
    assert 'value="hello@mugs.example"' in page
    headers = bearer(session_token(SHOP)) | {"HX-Request": "true"}
    answer = Client().post("/set-up/address", {"email": "hello@mugs.example"}, headers=headers)
    assert "An email is on its way to hello@mugs.example" in answer.text
    [sent] = mailoutbox
    assert sent.to == ["hello@mugs.example"]
    account = Shop.objects.get(domain=SHOP).account
    assert account is not None
    assert not recipients.to_mail(account.pk).exists()
    [link] = re.findall(r"http://localhost:8000(/dashboard/recipients/\S+)", sent.body)
    Client().post(link)
    page = open_page(Client()).text
    assert "1 of 2 done" in page
    assert [one.email for one in recipients.to_mail(account.pk)] == ["hello@mugs.example"]


def test_another_stores_address_is_not_proposed(store_access: DevStore):
    with store_access.changed_shop(SHOP.removesuffix(".myshopify.com")) as told:
        told.email = "secret@mugs.example"
    open_page(Client())
    assert "secret@mugs.example" not in open_page(Client(), SECOND_SHOP).text
