"""Linking in the middle of something: a run, a purchase that waits for approval, an uninstall."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from credits import queries
from generations import tasks
from generations.engines import registry
from generations.models import Generation
from generations.runs import lifecycle
from shopify_auth.models import Connection, Membership, Shop
from shopify_auth.stores import uninstalls, web_sign_ups
from tests.embedded import SHOP, open_page
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Owner
from tests.shopify_auth.linking.conftest import Admin, request_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace(wendy, monkeypatch):
    """Wendy's workspace, with a run that works and one that waits."""
    monkeypatch.setattr(registry, "LOCAL", {"background-removal": Engine()})
    account = web_sign_ups.open_account(wendy.person)
    for key in ("running", "waiting"):
        assert ask(wendy.client, key=key).status_code == 201
    assert lifecycle.start(str(Generation.objects.order_by("created_at")[0].pk))
    return account


def link(admin, visitor, role="maker"):
    address = visitor.ask(admin.shop.domain)
    asked = request_id(admin.page())
    assert admin.post("connection", "approve", request=asked, role=role).status_code == 200
    assert visitor.client.post(address).status_code == 200


def test_runs_that_work_go_on_in_the_workspace(admin, wendy, workspace):
    running, waiting = Generation.objects.order_by("created_at")
    link(admin, wendy)
    tasks.run(generation_id=str(waiting.pk))
    waiting.refresh_from_db()
    assert (waiting.state, waiting.account) == ("succeeded", workspace)
    assert not lifecycle.fail(waiting, "timeout", "late")
    assert lifecycle.fail(running := Generation.objects.get(pk=running.pk), "timeout", "late")
    assert queries.get_balance(workspace.pk).total == 60
    assert queries.get_balance(admin.account.pk).total == 100
    # They are not the store's: its page does not know them, the workspace's still does.
    assert wendy.client.get(f"/dashboard/runs/{running.pk}").status_code == 404
    wendy.client.post("/dashboard/accounts", {"action": "open", "account": workspace.pk})
    assert wendy.client.get(f"/dashboard/runs/{running.pk}").status_code == 200


def test_a_run_that_was_cancelled_in_the_queue_is_given_back_all_the_same(admin, wendy, workspace):
    waiting = Generation.objects.get(state="queued")
    link(admin, wendy)
    assert lifecycle.cancel(workspace.pk, str(waiting.pk))
    assert queries.get_balance(workspace.pk).total == 80


def test_a_purchase_that_waits_for_approval_is_the_stores(store_access, wendy):
    olivia = Owner(store_access, SHOP)
    waits = olivia.buy("small", decision="")
    link(Admin(olivia.shop), wendy)
    assert olivia.ledger() == [("trial_grant", 100, 0)]
    olivia.decide(waits, "approve")
    olivia.nudge()
    assert olivia.ledger()[-1] == ("package", 0, 500)
    assert wendy.client.get("/dashboard/balance").json()["total"] == 600


def test_on_the_web_a_member_buys_by_the_stores_approval(store_access, wendy):
    olivia = Owner(store_access, SHOP)
    link(Admin(olivia.shop), wendy, "owner")
    bought = wendy.client.post("/dashboard/plans/buy", {"package": "small"})
    assert bought.status_code in {302, 303}
    assert SHOP.removesuffix(".myshopify.com") in bought["Location"]
    assert olivia.ledger() == [("trial_grant", 100, 0)]


def test_a_store_that_left_and_came_back_keeps_its_members_and_no_key(store_access, wendy):
    olivia = Owner(store_access, SHOP)
    admin = Admin(olivia.shop)
    link(admin, wendy)
    before = Connection.objects.get().key_id
    uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), timezone.now())
    assert Connection.objects.get().key_id is None
    assert wendy.client.get("/dashboard/").status_code == 200
    open_page(Client())
    assert Shop.objects.get().state == "installed"
    assert Membership.objects.get().person == wendy.person
    assert Connection.objects.get().key_id is None
    link(admin, wendy)
    assert Connection.objects.get().key_id not in {None, before}


def test_uninstalled_between_the_two_steps_nobody_comes_in(store_access, wendy):
    olivia = Owner(store_access, SHOP)
    admin = Admin(olivia.shop)
    address = wendy.ask()
    admin.post("connection", "approve", request=request_id(admin.page()), role="maker")
    uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), timezone.now())
    assert wendy.client.post(address).status_code == 422
    assert not Membership.objects.exists()
    # Back in time, the store's word still holds: it is the same store's.
    open_page(Client())
    assert wendy.client.post(address).status_code == 200
    assert Membership.objects.get().account == olivia.account
