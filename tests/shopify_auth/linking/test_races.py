"""Both sides at once: of two that race one wins, and nobody comes in who was not let in."""

from __future__ import annotations

import pytest
from django.utils import timezone

from credits import ledger
from credits.refusals import Refusal
from shopify_auth.linking import people, requests
from shopify_auth.models import Connection, LinkRequest, Membership, Shop
from shopify_auth.stores import uninstalls, web_sign_ups
from tests.at_once import at_once
from tests.merchants import make_person, open_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    return Shop.objects.get(account=open_store("olivias-mugs.myshopify.com").account)


@pytest.fixture
def wendy():
    return make_person("Wendy")


def asked(shop, person, state="approved", role="maker"):
    """A request of this person's that the store has answered, or not yet."""
    found = requests.ask_from_web(person, shop.domain)
    if state == "approved":
        found = requests.approve(str(found.pk), shop, None, role)
    return found


def test_one_code_lets_one_of_two_people_ask(shop, wendy):
    sam = make_person("Sam")
    code = requests.code_from_store(shop)
    raised = at_once(
        lambda: requests.take_code_on_web(code, wendy, "192.0.2.1"),
        lambda: requests.take_code_on_web(code, sam, "192.0.2.2"),
    )
    assert [type(error) for error in raised] == [requests.LinkRefused]
    assert LinkRequest.objects.get().person in (wendy, sam)


def test_one_link_lets_one_of_two_people_ask(shop, wendy):
    sam = make_person("Sam")
    token = requests.link_from_store(shop)
    raised = at_once(
        lambda: requests.follow_link(token, wendy), lambda: requests.follow_link(token, sam)
    )
    assert [type(error) for error in raised] == [requests.LinkRefused]
    assert LinkRequest.objects.get().person in (wendy, sam)


def test_confirmed_in_two_windows_it_is_one_membership_and_one_key(shop, wendy):
    request = asked(shop, wendy)
    first, second = (LinkRequest.objects.get(pk=request.pk) for _window in range(2))
    keys = []
    raised = at_once(
        lambda: keys.append(requests.confirm(first, wendy)),
        lambda: keys.append(requests.confirm(second, wendy)),
    )
    assert len(raised) == len(keys) == 1
    assert Connection.objects.get().key_id == keys[0].key_id
    assert Membership.objects.count() == 1


def test_declined_while_confirmed_it_is_one_of_both(shop, wendy):
    request = asked(shop, wendy)
    raised = at_once(
        lambda: requests.confirm(request, wendy),
        lambda: requests.decline(str(request.pk), shop),
    )
    assert len(raised) == 1
    state = LinkRequest.objects.get().state
    assert (state, Membership.objects.count()) in {("linked", 1), ("declined", 0)}


def test_two_owners_decide_at_once(shop, wendy):
    request = asked(shop, wendy, "open")
    raised = at_once(
        lambda: requests.approve(str(request.pk), shop, None, "owner"),
        lambda: requests.approve(str(request.pk), shop, None, "viewer"),
    )
    assert len(raised) == 1
    request.refresh_from_db()
    requests.confirm(request, wendy)
    assert Membership.objects.get().role == request.role


def test_the_store_leaves_while_somebody_confirms(shop, wendy):
    request = asked(shop, wendy)
    seen = uninstalls.last_refresh(shop)
    raised = at_once(
        lambda: requests.confirm(request, wendy),
        lambda: uninstalls.uninstall(shop, seen, timezone.now()),
    )
    assert all(isinstance(error, Refusal) for error in raised)
    assert Shop.objects.get().state == "uninstalled"
    # Whoever was in before it left stays a member; no key outlives the installation.
    assert Membership.objects.count() == (0 if raised else 1)
    assert not Connection.objects.exclude(key_id=None).exists()


def test_credits_are_spent_while_somebody_links(shop, wendy):
    workspace = web_sign_ups.open_account(wendy)
    request = asked(shop, wendy)
    raised = at_once(
        lambda: requests.confirm(request, wendy),
        lambda: ledger.spend(workspace.pk, 30, key="workspace"),
        lambda: ledger.spend(shop.account_id, 40, key="store"),
    )
    assert not raised
    workspace.refresh_from_db()
    shop.account.refresh_from_db()
    assert (workspace.plan_balance, shop.account.plan_balance) == (70, 60)
    assert workspace.retired_at is not None


def test_the_last_two_owners_leave_at_once(wendy):
    account = web_sign_ups.open_account(wendy)
    assert account is not None
    sam = make_person("Sam")
    Membership.objects.create(person=sam, account=account)
    raised = at_once(lambda: people.leave(account.pk, wendy), lambda: people.leave(account.pk, sam))
    assert [type(error) for error in raised] == [people.PeopleRefused]
    assert Membership.objects.get().role == "owner"


def test_an_invitation_is_accepted_in_two_windows(wendy):
    account = web_sign_ups.open_account(make_person("Olivia"))
    token = people.invite(account, "wendy@example.com", "maker", None)
    raised = at_once(lambda: people.accept(token, wendy), lambda: people.accept(token, wendy))
    assert len(raised) == 1
    assert Membership.objects.filter(person=wendy).count() == 1
