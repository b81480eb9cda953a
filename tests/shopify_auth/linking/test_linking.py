"""Three ways to a store's account; the owner decides in the admin, the person confirms on the web."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from credits import ledger, queries
from credits.accounts import limits
from credits.models import LedgerEntry
from shopify_auth.linking import requests, secrets
from shopify_auth.linking.requests import LinkRefused
from shopify_auth.models import Connection, LinkRequest, Membership, Shop
from shopify_auth.stores import web_sign_ups
from tests.embedded import SECOND_SHOP, SHOP, open_page
from tests.shopify_auth.linking.conftest import Admin, code_of, request_id, sign_in

pytestmark = pytest.mark.django_db


def from_the_plugin(admin, wendy):
    page = admin.post("connection", "open").text
    [path] = re.findall(r'href="http://[^/]+(/dashboard/connect/[^"]+)"', page)
    assert wendy.client.get(path).status_code == 200
    return wendy.client.post(path)["Location"]


def from_the_web(admin, wendy):
    return wendy.ask()


def by_code_of_the_store(admin, wendy):
    code = code_of(admin.post("connection", "show_code").text)
    form = {"action": "take_code", "code": f" {code[:4]} {code[4:].lower()} "}
    return wendy.client.post("/dashboard/connect", form)["Location"]


def by_code_of_the_web(admin, wendy):
    code = code_of(wendy.client.post("/dashboard/connect", {"action": "show_code"}).text)
    assert admin.post("connection", "take_code", code=code).status_code == 200
    found = LinkRequest.objects.get(person=wendy.person)
    return f"/dashboard/connect/requests/{found.pk}"


WAYS = [from_the_plugin, from_the_web, by_code_of_the_store, by_code_of_the_web]


def let_in(admin, role="maker"):
    page = admin.page()
    return admin.post("connection", "approve", request=request_id(page), role=role)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_to_one_account(admin, wendy, way):
    address = way(admin, wendy)
    assert wendy.person.email in admin.page()
    assert not Membership.objects.exists()
    assert let_in(admin).status_code == 200
    assert not Membership.objects.exists()
    assert "100 credits" in wendy.client.get(address).text
    done = wendy.client.post(address)
    assert done.status_code == 200
    member = Membership.objects.get()
    assert (member.person, member.account, member.role) == (wendy.person, admin.account, "maker")
    assert wendy.client.get("/dashboard/").wsgi_request.account == admin.account

    [key_id] = re.findall(r"evk_[0-9A-F]{16}", done.text)
    [secret] = re.findall(r"<code>([\w-]{43})</code>", done.text)
    basic = base64.b64encode(f"{key_id}:{secret}".encode()).decode()
    balance = Client().get("/api/v1/balance", headers={"Authorization": f"Basic {basic}"})
    assert balance.json()["total"] == 100
    assert secret not in wendy.client.get(address).text


@pytest.mark.parametrize("way", WAYS)
def test_the_store_alone_makes_nobody_a_member(admin, wendy, way):
    way(admin, wendy)
    let_in(admin)
    assert not Membership.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_the_person_alone_becomes_no_member(admin, wendy, way):
    address = way(admin, wendy)
    assert wendy.client.post(address).status_code == 422
    assert not Membership.objects.exists()


def test_all_owners_are_told(admin, wendy):
    olivia = sign_in("Olivia")
    Membership.objects.create(person=olivia.person, account=admin.account)
    address = wendy.ask()
    let_in(admin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda call, **_kwargs: call())
        wendy.client.post(address)
    assert [message.to for message in mail.outbox] == [["olivia@example.com"]]
    assert "wendy@example.com" in mail.outbox[0].body


def test_declined_is_declined(admin, wendy):
    address = wendy.ask()
    admin.post("connection", "decline", request=request_id(admin.page()))
    assert wendy.client.post(address).status_code == 422
    assert not Membership.objects.exists()
    assert "request" not in re.findall(r'name="(\w+)"', admin.page())


def test_staff_who_own_nothing_decide_nothing(admin, wendy):
    wendy.ask()
    asked = request_id(admin.page())
    maker = Admin(admin.shop, "902541700")
    assert "Only an owner of the store can decide" in maker.page()
    for action in ("approve", "decline", "open", "show_code", "take_code", "rotate", "revoke"):
        answer = maker.post("connection", action, request=asked, role="owner", code="x")
        assert answer.status_code == 403, action
    assert LinkRequest.objects.get().state == "open"


def test_another_store_cannot_decide(admin, wendy):
    wendy.ask()
    asked = request_id(admin.page())
    open_page(Client(), SECOND_SHOP)
    other = Admin(Shop.objects.get(domain=SECOND_SHOP))
    assert wendy.person.email not in other.page()
    answer = other.post("connection", "approve", request=asked, role="maker")
    assert answer.status_code == 422
    assert LinkRequest.objects.get().state == "open"


def test_somebody_elses_request_is_not_found(admin, wendy):
    address = wendy.ask()
    let_in(admin)
    sam = sign_in("Sam")
    assert sam.client.get(address).status_code == 404
    assert sam.client.post(address).status_code == 404
    assert wendy.client.get(f"/dashboard/connect/requests/{uuid4()}").status_code == 404


def test_an_owner_on_the_web_cannot_decide_there(admin, wendy):
    olivia = sign_in("Olivia")
    Membership.objects.create(person=olivia.person, account=admin.account)
    wendy.ask()
    form = {"action": "approve", "request": str(LinkRequest.objects.get().pk), "role": "owner"}
    assert olivia.client.post("/dashboard/settings/connection", form).status_code == 422
    assert LinkRequest.objects.get().state == "open"


def test_the_answer_does_not_tell_whether_a_store_has_the_app(admin, wendy):
    known, unknown = wendy.ask(SHOP), wendy.ask("nobody-at-all.myshopify.com")
    wendy.client.get(known)
    own = re.compile(r"olivias-mugs|nobody-at-all|[0-9a-f-]{36}|nonce-\S+|nonce=\S+|value=\S+")
    first, second = (own.sub("", wendy.client.get(page).text) for page in (known, unknown))
    assert first == second


@pytest.mark.parametrize("domain", ["", "evil.example", "a b.myshopify.com", "https://x.com/y"])
def test_what_is_no_store_is_refused(wendy, domain):
    answer = wendy.client.post("/dashboard/connect", {"action": "ask", "domain": domain})
    assert answer.status_code == 422
    assert not LinkRequest.objects.exists()


# --- Codes and links -----------------------------------------------------------------------------


def test_codes_have_no_look_alikes():
    assert not set("01ILOUV") & set(secrets.ALPHABET)
    assert len(secrets.new_code()) == 8


def test_a_code_works_once(admin, wendy):
    code = code_of(admin.post("connection", "show_code").text)
    form = {"action": "take_code", "code": code}
    assert wendy.client.post("/dashboard/connect", form).status_code == 302
    assert sign_in("Sam").client.post("/dashboard/connect", form).status_code == 422


def test_a_code_lives_ten_minutes(admin, wendy):
    code = code_of(admin.post("connection", "show_code").text)
    LinkRequest.objects.update(secret_expires_at=timezone.now() - timedelta(seconds=1))
    answer = wendy.client.post("/dashboard/connect", {"action": "take_code", "code": code})
    assert answer.status_code == 422
    life = LinkRequest.objects.get().expires_at - LinkRequest.objects.get().created_at
    assert life == timedelta(minutes=10)


def test_the_eleventh_guess_of_an_hour_is_not_even_looked_at(admin, wendy):
    code = code_of(admin.post("connection", "show_code").text)
    for _guess in range(10):
        cache.clear()  # What guards against guessing is kept elsewhere.
        wendy.client.post("/dashboard/connect", {"action": "take_code", "code": "22222222"})
    answer = wendy.client.post("/dashboard/connect", {"action": "take_code", "code": code})
    assert "Try again in an hour" in answer.text
    assert LinkRequest.objects.get().person is None


def test_a_link_is_not_a_code(admin, wendy):
    token = requests.link_from_store(admin.shop)
    form = {"action": "take_code", "code": token}
    assert wendy.client.post("/dashboard/connect", form).status_code == 422


def test_a_link_works_once_and_opening_it_uses_nothing(admin, wendy):
    path = f"/dashboard/connect/{requests.link_from_store(admin.shop)}"
    wendy.client.get(path)
    assert LinkRequest.objects.get().person is None
    assert wendy.client.post(path).status_code == 302
    sam = sign_in("Sam")
    assert sam.client.get(path).status_code == 410
    assert sam.client.post(path).status_code == 422


def test_an_old_request_leads_nowhere(admin, wendy):
    address = wendy.ask()
    let_in(admin)
    LinkRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert wendy.client.post(address).status_code == 422
    assert not Membership.objects.exists()


def test_of_two_confirmations_one_counts(admin, wendy):
    address = wendy.ask()
    let_in(admin)
    first, second = LinkRequest.objects.get(), LinkRequest.objects.get()
    requests.confirm(first, wendy.person)
    with pytest.raises(LinkRefused):
        requests.confirm(second, wendy.person)
    assert wendy.client.post(address).status_code == 422
    assert Connection.objects.count() == Membership.objects.count() == 1


def test_no_one_comes_to_a_store_that_has_left(admin, wendy):
    address = wendy.ask()
    let_in(admin)
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    assert wendy.client.post(address).status_code == 422
    assert not Membership.objects.exists()


def test_who_signed_in_long_ago_signs_in_again(admin, wendy):
    address = wendy.ask()
    let_in(admin)
    session = wendy.client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": 1.0, "email": wendy.person.email}
    ]
    session.save()
    answer = wendy.client.post(address)
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert not Membership.objects.exists()


def test_reconnecting_makes_the_old_key_stop(admin, wendy):
    for _time in range(2):
        address = wendy.ask()
        let_in(admin)
        before = Connection.objects.values_list("key_id", flat=True).first()
        assert wendy.client.post(address).status_code == 200
        assert Connection.objects.get().key_id != before


# --- What it changes -----------------------------------------------------------------------------


def test_linking_writes_no_entry_and_retires_the_workspace(admin, wendy):
    workspace = web_sign_ups.open_account(wendy.person)
    assert workspace is not None
    ledger.spend(workspace.pk, 30, key="spent")
    before = (LedgerEntry.objects.count(), queries.get_balance(workspace.pk).total)
    address = wendy.ask()
    let_in(admin)
    assert "Its trial stops" in wendy.client.get(address).text
    wendy.client.post(address)
    assert (LedgerEntry.objects.count(), queries.get_balance(workspace.pk).total) == before
    tomorrow = timezone.now() + timedelta(days=1, minutes=1)
    assert queries.get_balance(workspace.pk, tomorrow).total == 0
    assert queries.get_balance(admin.account.pk, tomorrow).total == 100
    assert "Its trial has stopped" in wendy.client.get("/dashboard/accounts").text


def test_a_retired_workspace_starts_nothing_on_trial_credits(admin, wendy):
    workspace = web_sign_ups.open_account(wendy.person)
    assert workspace is not None
    address = wendy.ask()
    let_in(admin)
    wendy.client.post(address)
    wendy.client.post("/dashboard/accounts", {"action": "open", "account": workspace.pk})
    assert wendy.client.get("/dashboard/").wsgi_request.account == workspace
    with pytest.raises(limits.WorkspaceRetired):
        limits.check(workspace.pk, 1)
