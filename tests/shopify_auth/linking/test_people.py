"""Invitations, roles, leaving; an account never loses its last owner."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from credits.models import Account
from shopify_auth.models import Connection, Invitation, Membership, Person, Shop
from shopify_auth.stores import connections, web_sign_ups
from tests.merchants import make_merchant, open_store
from tests.shopify_auth.linking.conftest import sign_in

PEOPLE = "/dashboard/settings/people"
ACCOUNTS = "/dashboard/accounts"

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    return make_merchant("Olivia")


def invite(merchant, email="wendy@example.com", role="maker"):
    """Invite somebody; the path of the link that the mail carries."""
    answer = merchant.client.post(PEOPLE, {"action": "invite", "email": email, "role": role})
    assert answer.status_code == 200, answer.text
    assert mail.outbox[-1].to == [email.lower()]
    [path] = re.findall(r"http://[^/]+(/dashboard/invitations/\S+)", mail.outbox[-1].body)
    return path


def test_an_invitation_makes_a_member_once(olivia, wendy):
    path = invite(olivia)
    assert not Membership.objects.filter(person=wendy.person).exists()
    assert wendy.client.get(path).status_code == 200
    assert not Membership.objects.filter(person=wendy.person).exists()
    assert wendy.client.post(path)["Location"] == "/dashboard/"
    assert Membership.objects.get(person=wendy.person).role == "maker"
    assert wendy.client.post(path).status_code == 422
    assert wendy.client.get(path).status_code == 410


def test_an_invitation_is_for_one_address(olivia):
    path = invite(olivia)
    sam = sign_in("Sam")
    assert sam.client.post(path).status_code == 422
    assert not Membership.objects.filter(person=sam.person).exists()


def test_an_invitation_ends(olivia, wendy):
    path = invite(olivia)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert wendy.client.post(path).status_code == 422
    path = invite(olivia)
    form = {"action": "withdraw", "invitation": Invitation.objects.get().pk}
    assert olivia.client.post(PEOPLE, form).status_code == 200
    assert wendy.client.post(path).status_code == 422
    assert not Membership.objects.filter(person=wendy.person).exists()


def test_inviting_again_replaces_the_link(olivia, wendy):
    old = invite(olivia)
    new = invite(olivia, role="viewer")
    assert wendy.client.post(old).status_code == 422
    assert wendy.client.post(new).status_code == 302
    assert Membership.objects.get(person=wendy.person).role == "viewer"


@pytest.mark.parametrize(
    "form",
    [
        {"email": "no address", "role": "maker"},
        {"email": "a@example.com", "role": "emperor"},
        {"email": "olivia@example.com", "role": "maker"},
    ],
)
def test_bad_invitations_send_nothing(olivia, form):
    assert olivia.client.post(PEOPLE, {"action": "invite", **form}).status_code == 422
    assert not mail.outbox
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("role", ["maker", "viewer"])
def test_only_owners_change_people(olivia, wendy, role):
    member = Membership.objects.create(person=wendy.person, account=olivia.account, role=role)
    for action in ("invite", "withdraw", "change_role", "remove"):
        form = {"action": action, "email": "x@example.com", "role": "owner", "member": member.pk}
        assert wendy.client.post(PEOPLE, form).status_code == 403
    assert wendy.client.get(PEOPLE).status_code == 200
    member.refresh_from_db()
    assert member.role == role


def test_another_accounts_people_are_not_found(olivia, wendy):
    sam = make_merchant("Sam")
    theirs = Membership.objects.create(person=wendy.person, account=sam.account, role="maker")
    for action in ("remove", "change_role"):
        form = {"action": action, "member": theirs.pk, "role": "viewer"}
        assert olivia.client.post(PEOPLE, form).status_code == 422
    theirs.refresh_from_db()
    assert theirs.role == "maker"


def test_a_removed_member_is_out_at_once_with_their_key(wendy):
    store = open_store("olivias-mugs.myshopify.com")
    olivia = sign_in("Olivia")
    Membership.objects.create(person=olivia.person, account=store.account)
    member = Membership.objects.create(person=wendy.person, account=store.account, role="maker")
    connections.issue_key(connections.connect(Shop.objects.get(), wendy.person))
    assert wendy.client.get("/dashboard/").status_code == 200
    form = {"action": "remove", "member": member.pk}
    assert olivia.client.post(PEOPLE, form).status_code == 200
    assert wendy.client.get("/dashboard/").status_code == 403
    assert not Connection.objects.exists()
    assert Person.objects.filter(pk=wendy.person.pk).exists()


def test_the_last_owner_stays(olivia):
    member = Membership.objects.get()
    for form in (
        {"action": "remove", "member": member.pk},
        {"action": "change_role", "member": member.pk, "role": "maker"},
    ):
        assert olivia.client.post(PEOPLE, form).status_code == 422
    leave = {"action": "leave", "account": olivia.account.pk}
    assert olivia.client.post(ACCOUNTS, leave).status_code == 422
    member.refresh_from_db()
    assert member.role == "owner"


def test_with_a_second_owner_the_first_may_leave(olivia, wendy):
    Membership.objects.create(person=wendy.person, account=olivia.account)
    leave = {"action": "leave", "account": olivia.account.pk}
    assert olivia.client.post(ACCOUNTS, leave).status_code == 302
    assert wendy.client.post(ACCOUNTS, leave).status_code == 422
    assert Membership.objects.get().person == wendy.person


def test_a_store_has_its_owner_in_the_admin(wendy):
    store = open_store("olivias-mugs.myshopify.com")
    Membership.objects.create(person=wendy.person, account=store.account)
    leave = {"action": "leave", "account": store.account.pk}
    assert wendy.client.post(ACCOUNTS, leave).status_code == 302
    assert not Membership.objects.exists()


# --- Several accounts ----------------------------------------------------------------------------


def test_switching_is_remembered(olivia):
    sam = make_merchant("Sam")
    Membership.objects.create(person=olivia.person, account=sam.account, role="viewer")
    page = olivia.client.get(ACCOUNTS).text
    assert "Olivia&#x27;s store" in page
    assert "Sam&#x27;s store" in page
    assert page.count("UTC") == 2
    assert olivia.client.get("/dashboard/").wsgi_request.account == olivia.account
    olivia.client.post(ACCOUNTS, {"action": "open", "account": sam.account.pk})
    again: Any = Client()
    again.force_login(olivia.person)
    assert again.get("/dashboard/").wsgi_request.account == sam.account


def test_nobody_switches_to_another_ones_account(olivia):
    sam = make_merchant("Sam")
    for action in ("open", "leave"):
        form = {"action": action, "account": sam.account.pk}
        assert olivia.client.post(ACCOUNTS, form).status_code == 404
    assert olivia.client.get("/dashboard/").wsgi_request.account == olivia.account


# --- Signing up ----------------------------------------------------------------------------------


def sign_up(email, path=""):
    client: Any = Client()
    form = {"email": email, "password1": "correct horse battery", "next": path}
    form |= {"password2": form["password1"]}
    assert client.post("/dashboard/sign-in/signup/", form).status_code == 302
    [confirm] = re.findall(
        r"http://\S+(/dashboard/sign-in/confirm-email/\S+)", mail.outbox[-1].body
    )
    client.post(confirm)
    client.post("/dashboard/sign-in/login/", {"login": email, "password": "correct horse battery"})
    return client


def test_who_signs_up_from_an_invitation_gets_no_workspace_unasked(olivia):
    path = invite(olivia, "nina@example.com")
    nina = sign_up("nina@example.com", path)
    assert Account.objects.count() == 1
    assert path in nina.get("/dashboard/").text
    assert nina.post(path).status_code == 302
    assert nina.get("/dashboard/").wsgi_request.account == olivia.account


def test_who_comes_to_join_is_promised_no_trial(olivia):
    path = invite(olivia, "nina@example.com")
    page = "/dashboard/sign-in/signup/"
    trial = "100 credits a day"
    assert trial in Client().get(page).text
    for target in (path, "/dashboard/connect/some-token"):
        assert trial not in Client().get(page, {"next": target}).text


def test_a_workspace_can_still_be_asked_for(olivia):
    nina = sign_up("nina@example.com", invite(olivia, "nina@example.com"))
    assert nina.post(ACCOUNTS, {"action": "workspace"}).status_code == 302
    assert nina.get("/dashboard/").wsgi_request.account.plan_balance == 100


def test_after_signing_up_one_reads_what_works_without_a_store():
    client = Client()
    form = {"email": "nina@example.com", "password1": "correct horse battery"}
    client.post("/dashboard/sign-in/signup/", form | {"password2": form["password1"]})
    [path] = re.findall(r"http://\S+(/dashboard/sign-in/confirm-email/\S+)", mail.outbox[-1].body)
    to_sign_in = client.post(path)["Location"]
    login = {"login": form["email"], "password": form["password1"]}
    landed = client.post(to_sign_in, login | {"next": "/dashboard/settings/connection"})
    page = client.get(landed["Location"]).text
    assert to_sign_in.endswith("next=/dashboard/settings/connection")
    assert "need a Shopify store" in page
    assert "/dashboard/connect" in page


def test_a_mailbox_has_one_workspace():
    sign_up("nina@example.com")
    second = sign_up("Nina+again@example.com")
    assert Account.objects.count() == 1
    assert second.post(ACCOUNTS, {"action": "workspace"}).status_code == 422
    Person.objects.all().delete()
    assert web_sign_ups.open_account(Person.objects.create_user("nina@example.com")) is None
