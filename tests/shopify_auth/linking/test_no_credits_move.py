"""Whatever happened in a workspace and in a store before: linking them changes no balance."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from itertools import count

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits import ledger, queries
from credits.ledger import checks
from credits.refusals import Refusal
from shopify_auth.linking import requests
from shopify_auth.models import Shop
from shopify_auth.stores import web_sign_ups
from tests.merchants import make_person, open_store

EVENTS = st.tuples(
    st.sampled_from(["workspace", "store"]),
    st.sampled_from(["spend", "package", "plan", "adjust"]),
    st.integers(1, 120),
    st.integers(0, 40),
)
_numbers = count(1)

pytestmark = pytest.mark.django_db


@given(history=st.lists(EVENTS, max_size=8), later=st.integers(0, 240))
@settings(
    max_examples=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_link_never_changes_a_balance(history, later):
    with transaction.atomic():
        link_after(history, later)
        transaction.set_rollback(True)


def link_after(history, later):
    """A history, a while, and the link."""
    number = next(_numbers)
    now = timezone.now()
    store = open_store(f"olivias-mugs-{number}.myshopify.com").account
    wendy = make_person(f"Wendy{number}")
    workspace = web_sign_ups.open_account(wendy)
    assert workspace is not None
    for step, (where, what, amount, hours) in enumerate(history):
        now += timedelta(hours=hours)
        account_id = (store if where == "store" else workspace).pk
        with contextlib.suppress(Refusal, ValueError), transaction.atomic():
            happen(account_id, what, amount, f"step {step}", now)
    now += timedelta(hours=later)
    before = holdings(store.pk, workspace.pk, now)
    shop = Shop.objects.get(account=store)
    asked = requests.ask_from_web(wendy, shop.domain)
    requests.approve(str(asked.pk), shop, None, "owner")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ecomvance_app.clock.now", lambda: now)
        requests.confirm(asked, wendy)

    assert holdings(store.pk, workspace.pk, now) == before
    assert not list(checks.problems())


def happen(account_id, what, amount, key, now):
    """One event of a history."""
    if what == "spend":
        ledger.spend(account_id, amount, key=key, now=now)
    elif what == "package":
        ledger.add_package(account_id, amount, key=key, now=now)
    elif what == "plan":
        ledger.start_plan_period(
            account_id, "starter", now, now + timedelta(hours=amount), key=key, now=now
        )
    else:
        ledger.adjust(account_id, "package", amount, key, "staff:1", "Goodwill", now=now)


def holdings(store_id, workspace_id, now):
    """Both buckets of both accounts."""
    return [
        (balance.plan, balance.package)
        for balance in (queries.get_balance(one, now) for one in (store_id, workspace_id))
    ]
