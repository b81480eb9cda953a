"""People who sign up on the web: an account and a trial, once their address is confirmed."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from credits.models import Account, AlertRecipient, LedgerEntry
from shopify_auth.models import Membership, Person
from shopify_auth.stores import web_sign_ups
from tests.at_once import at_once, meeting_after
from tests.merchants import SAM, make_person

PASSWORD = "correct horse battery"
SIGN_UP = {"email": "Nina@example.com", "password1": PASSWORD, "password2": PASSWORD}

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirmation(client):
    """Nina has signed up; the address in the mail she got."""
    response = client.post("/dashboard/sign-in/signup/", SIGN_UP)
    assert response.status_code == 302
    [message] = mail.outbox
    assert message.to == ["nina@example.com"]
    [path] = re.findall(r"http://\S+(/dashboard/sign-in/confirm-email/\S+)", message.body)
    return path


def test_mails_speak_of_the_product_and_carry_one_link(client, confirmation):
    client.post(confirmation)
    client.post("/dashboard/sign-in/password/reset/", {"email": "nina@example.com"})
    asked, reset = mail.outbox
    assert asked.subject == "ecomVance: Confirm your email address"
    assert reset.subject == "ecomVance: Choose a new password"
    for message in (asked, reset):
        assert "ecomVance account" in message.body
        assert message.body.count("http://") == message.body.count(settings.APP_URL) == 1


def test_before_the_address_is_confirmed_there_is_no_account(client, confirmation):
    assert not Account.objects.exists()
    assert client.get("/dashboard/")["Location"].startswith("/dashboard/sign-in/")


def test_a_confirmed_address_opens_an_account_with_its_trial(client, confirmation):
    client.post(confirmation)
    person = Person.objects.get(email="nina@example.com")
    account = Membership.objects.get(person=person).account
    assert LedgerEntry.objects.get(account=account).kind == "trial_grant"
    assert AlertRecipient.objects.get(account=account).email == "nina@example.com"
    client.post("/dashboard/sign-in/login/", {"login": "nina@example.com", "password": PASSWORD})
    page = client.get("/dashboard/")
    assert (page.status_code, page.wsgi_request.account) == (200, account)


def test_confirming_twice_starts_one_trial(client, confirmation):
    client.post(confirmation)
    Client().post(confirmation)
    web_sign_ups.open_account(Person.objects.get(email="nina@example.com"))
    assert Account.objects.count() == 1
    assert LedgerEntry.objects.count() == 1


def test_a_member_of_an_account_gets_no_second_one(owner):
    assert web_sign_ups.open_account(owner.person) == owner.account
    assert Account.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_opened_twice_at_once_starts_one_trial():
    person = make_person(SAM)
    looked = meeting_after("SELECT", 'FROM "shopify_auth_membership"')

    raised = at_once(*[partial(web_sign_ups.open_account, person)] * 4, wrapper=looked)

    assert raised == []
    account = Account.objects.get()
    assert Membership.objects.get(person=person).account == account
    assert LedgerEntry.objects.get(account=account).kind == "trial_grant"
    assert AlertRecipient.objects.get(account=account).email == person.email
