"""The spending limit of an account: others and programs are refused above it, and nothing is stored."""

from __future__ import annotations

import pytest
from django.test import Client

from credits import ledger
from credits.accounts import limits
from shopify_auth.models import Membership
from tests.merchants import make_person

PAGE = "/dashboard/settings/spending"

pytestmark = pytest.mark.django_db


def test_what_is_within_the_limit_is_allowed(owner):
    limits.set_limit(owner.account.pk, 60)
    limits.check(owner.account.pk, 60)
    limits.check(owner.account.pk, 0)
    with pytest.raises(limits.ApprovalRequired) as refused:
        limits.check(owner.account.pk, 61)
    assert (refused.value.code, refused.value.status) == ("approval_required", 403)
    limits.check(owner.account.pk, 61, by_owner=True)


def test_an_owner_sets_and_lifts_it(owner):
    assert owner.client.post(PAGE, {"ask_above": "60"}).status_code == 200
    owner.account.refresh_from_db()
    assert owner.account.ask_above == 60
    assert 'value="60"' in owner.client.get(PAGE).text
    assert owner.client.post(PAGE, {"ask_above": ""}).status_code == 200
    owner.account.refresh_from_db()
    assert owner.account.ask_above is None


@pytest.mark.parametrize("value", ["-1", "many", "99999999999999"])
def test_a_bad_limit_changes_nothing(owner, value):
    limits.set_limit(owner.account.pk, 60)
    assert owner.client.post(PAGE, {"ask_above": value}).status_code == 422
    owner.account.refresh_from_db()
    assert owner.account.ask_above == 60


def test_a_maker_does_not_lift_it(owner):
    limits.set_limit(owner.account.pk, 60)
    maker = make_person("Maker")
    Membership.objects.create(person=maker, account=owner.account, role="maker")
    client = Client()
    client.force_login(maker)
    assert "Only owners change this" in client.get(PAGE).text
    assert client.post(PAGE, {"ask_above": ""}).status_code == 403
    owner.account.refresh_from_db()
    assert owner.account.ask_above == 60


def test_the_ledger_itself_knows_no_limit(owner):
    """Staff and the schedule are never asked: the limit is for what people start."""
    limits.set_limit(owner.account.pk, 0)
    assert ledger.spend(owner.account.pk, 40, key="k").plan_delta == -40
