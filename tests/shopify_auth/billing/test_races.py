"""Several people and workers at one store at the same instant."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection

from shopify_auth.billing import charges, reconcile
from shopify_auth.billing.charges import ChargeRefused
from shopify_auth.models import BillingCheck, Purchase, Subscription
from shopify_auth.stores import uninstalls
from tests.at_once import MEETING_SECONDS, at_once, meeting_after
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WAIT_SECONDS = 5


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


def test_many_nudges_at_once_are_one_grant(olivia):
    olivia.subscribe("starter")
    olivia.buy("small")

    assert at_once(*[lambda: reconcile.reconcile_charges(olivia.shop)] * 8) == []

    assert olivia.ledger() == [
        ("trial_grant", 100, 0), ("expire", -100, 0), ("plan_grant", 3000, 0), ("package", 0, 500),
    ]  # fmt: skip


@pytest.mark.parametrize("compared_before", [False, True])
@pytest.mark.parametrize(
    ("choose", "model", "handle"),
    [(charges.buy_package, Purchase, "small"), (charges.subscribe, Subscription, "starter")],
)
def test_clicks_at_the_same_instant_are_one_charge(olivia, choose, model, handle, compared_before):
    """A store's first click makes its billing row, which would keep the others waiting unlocked."""
    if compared_before:
        olivia.nudge()
    looked = meeting_after("SELECT", f'FROM "{model._meta.db_table}"', '"price" =')

    raised = at_once(*[partial(choose, olivia.buyer(), handle)] * 6, wrapper=looked)

    assert all(isinstance(error, ChargeRefused) for error in raised)
    assert model.objects.count() == 1
    assert len(olivia.devstore.shop(olivia.handle).charges) == 1


@pytest.mark.parametrize("other", ["comparison", "departure"])
def test_buying_and_another_change_of_the_store_never_wait_for_each_other(olivia, other):
    """The buyer holds the billing row and writes a charge, whose store somebody else has locked."""
    olivia.buy("large")
    buyer = olivia.buyer()
    wants_shop, holds_check, holds_shop = (threading.Event() for _event in range(3))

    def before_the_charge(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "shopify_auth_purchase"'):
            holds_check.set()
            holds_shop.wait(WAIT_SECONDS)
        return execute(sql, params, many, context)

    def after_the_store(execute, sql, params, many, context):
        if 'FROM "shopify_auth_shop"' not in sql or " FOR " not in sql:
            return execute(sql, params, many, context)
        wants_shop.set()
        holds_check.wait(WAIT_SECONDS)
        answer = execute(sql, params, many, context)
        holds_shop.set()
        return answer

    def buy() -> None:
        wants_shop.wait(WAIT_SECONDS)
        with connection.execute_wrapper(before_the_charge):
            charges.buy_package(buyer, "small")

    def change() -> None:
        with connection.execute_wrapper(after_the_store):
            if other == "comparison":
                reconcile.reconcile_charges(olivia.shop)
            else:
                uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), buyer.now)

    assert at_once(buy, change) == []
    assert Purchase.objects.filter(handle="small").exists()


def test_readings_that_begin_at_the_same_instant_have_numbers_of_their_own(olivia):
    """Of two with one number the later one, which may be the newer word, would be dropped."""
    olivia.nudge()
    before = BillingCheck.objects.get().begun
    looked = meeting_after("SELECT", 'FROM "shopify_auth_billingcheck"')

    raised = at_once(*[partial(reconcile.reconcile_charges, olivia.shop)] * 2, wrapper=looked)

    assert raised == []
    assert BillingCheck.objects.get().begun == before + 2


def test_a_comparison_forgets_no_purchase_that_begins_meanwhile(olivia):
    """It has looked at the charges and is about to write down that nothing is awaited."""
    olivia.nudge()
    buyer = olivia.buyer()
    buying = threading.Thread(target=at_once, args=[partial(charges.buy_package, buyer, "small")])

    def before_it_is_written(execute, sql, params, many, context):
        if sql.startswith('UPDATE "shopify_auth_billingcheck"') and '"due_at"' in sql:
            buying.start()
            buying.join(MEETING_SECONDS)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(before_it_is_written):
        reconcile.reconcile_charges(olivia.shop)
    buying.join()

    due_at = BillingCheck.objects.get().due_at
    assert due_at is not None
    assert due_at <= buyer.now + charges.FIRST_QUESTION
