"""The guide on Home: it proposes the store's address, asks it, and goes by itself."""

from __future__ import annotations

import pytest
from django.test import Client

from credits.accounts import recipients
from credits.models import AlertRecipient
from shopify_auth.models import Membership
from tests.generations.mug_store import ask
from tests.merchants import Merchant, make_merchant, make_person

PAGE = "/dashboard/set-up/address"

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia() -> Merchant:
    return make_merchant("Olivia")


def home(merchant: Merchant) -> str:
    return merchant.client.get("/dashboard/").text


def test_it_goes_when_all_is_done(olivia):
    assert "Get started" in home(olivia)
    recipients.add_confirmed(olivia.account.pk, "olivia@example.com")
    assert "1 of 2 done" in home(olivia)
    ask(olivia.client, key="first")
    assert "Get started" not in home(olivia)


def test_ones_own_confirmed_address_needs_no_link(olivia, mailoutbox):
    assert f'value="{olivia.person.email}"' in home(olivia)
    assert olivia.client.post(PAGE, {"email": olivia.person.email}).status_code == 302
    assert mailoutbox == []
    assert recipients.to_mail(olivia.account.pk).get().email == olivia.person.email


def test_who_gets_mails_already_keeps_getting_them(olivia):
    recipients.add_confirmed(olivia.account.pk, "first@example.com")
    olivia.client.post(PAGE, {"email": "second@example.com"})
    assert recipients.to_mail(olivia.account.pk).get().email == "first@example.com"
    assert recipients.waiting(olivia.account.pk).get().email == "second@example.com"


def test_what_is_no_address_is_refused_where_it_was_typed(olivia):
    answer = olivia.client.post(PAGE, {"email": "nobody"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert 'value="nobody"' in answer.text
    assert "Enter an email address" in answer.text
    assert not AlertRecipient.objects.exists()


def test_a_maker_reads_that_an_owner_chooses(olivia):
    maker = make_person("Maker")
    Membership.objects.create(person=maker, account=olivia.account, role="maker")
    client = Client()
    client.force_login(maker)
    assert "An owner of your account chooses who gets them." in client.get("/dashboard/").text
    assert client.post(PAGE, {"email": "maker@example.com"}).status_code == 403
