"""What a batch charges later, above the spending limit: kept until an owner decides, then charged once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from credits import ledger
from credits.accounts import limits
from generations.models import Approval, Batch, Generation
from generations.runs import batches, lifecycle
from generations.runs.orders import Order, Requester
from shopify_auth.models import Membership
from tests.generations.mug_store import upload
from tests.generations.runs.batches.steps import EACH
from tests.merchants import Merchant, make_merchant, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia() -> Merchant:
    """Olivia, who asks to be asked above the price of one item."""
    olivia = make_merchant("Olivia")
    ledger.add_package(olivia.account.pk, 900, "package")
    limits.set_limit(olivia.account.pk, EACH)
    return olivia


@pytest.fixture
def mia(olivia: Merchant) -> Client:
    """Mia, a maker."""
    client, person = Client(), make_person("Mia")
    Membership.objects.create(person=person, account=olivia.account, role="maker")
    client.force_login(person)
    return client


@pytest.fixture
def batch(olivia: Merchant) -> Batch:
    """Five items of which three are charged."""
    orders = [Order(batches.TOOL, "1K", uploads=(upload(),)) for _one in range(5)]
    asker = Requester(olivia.account.pk, olivia.person.pk, "web", is_owner=True)
    together = batches.Together(three_first=True)
    made, _created = batches.place(asker, orders, "batch", together=together)
    assert olivia.total == 1_000 - 3 * EACH
    return made


def press(client: Client, batch: Batch, verb: str, **form: Any) -> Any:
    """What a button of the batch's page sends."""
    sent = {"verb": verb, "key": f"{verb} at first"} | form
    return client.post(f"/dashboard/batches/{batch.pk}/act", sent, headers={"HX-Request": "true"})


def decide(olivia: Merchant, action: str, price: int) -> int:
    """What the owner presses on the newest request's page; the answer's status."""
    newest = Approval.objects.latest("created_at", "pk")
    form = {"action": action, "price": price}
    return int(olivia.client.post(f"/dashboard/approvals/{newest.pk}", form).status_code)


def fail_all(batch: Batch) -> None:
    for run in Generation.objects.filter(batch=batch, state="queued"):
        begun = lifecycle.start(str(run.pk))
        assert begun is not None
        lifecycle.fail(begun, "provider_error", "No answer.")


def test_going_on_waits_for_an_owner(olivia: Merchant, mia: Client, batch: Batch) -> None:
    answer = press(mia, batch, "resume")
    approval = Approval.objects.get()
    assert answer["HX-Redirect"] == f"/dashboard/approvals/{approval.pk}"
    assert (approval.price, Generation.objects.count()) == (2 * EACH, 3)
    assert "AI Shadowing, 2 more of a batch" in mia.get(answer["HX-Redirect"]).text

    assert decide(olivia, "approve", 2 * EACH) == 302

    assert (Generation.objects.count(), olivia.total) == (5, 1_000 - 5 * EACH)
    approval.refresh_from_db()
    assert (approval.state, approval.batch) == ("approved", batch)
    # Once, however often it is pressed.
    assert decide(olivia, "approve", 2 * EACH) == 302
    assert (Generation.objects.count(), olivia.total) == (5, 1_000 - 5 * EACH)


def test_trying_again_waits_for_an_owner(olivia: Merchant, mia: Client, batch: Batch) -> None:
    fail_all(batch)
    press(mia, batch, "retry")
    assert (Approval.objects.get().price, Generation.objects.count()) == (3 * EACH, 3)
    assert "AI Shadowing, 3 of a batch again" in olivia.client.get("/dashboard/approvals").text

    assert decide(olivia, "approve", 3 * EACH) == 302

    assert (Generation.objects.count(), olivia.total) == (6, 1_000 - 6 * EACH)


def test_within_the_limit_nobody_is_asked(olivia: Merchant, mia: Client, batch: Batch) -> None:
    press(mia, batch, "resume", count=1)

    assert (Approval.objects.count(), Generation.objects.count()) == (0, 4)


def test_of_one_charge_one_request_waits(olivia: Merchant, mia: Client, batch: Batch) -> None:
    first, second = press(mia, batch, "resume"), press(mia, batch, "resume", key="another")
    assert first["HX-Redirect"] == second["HX-Redirect"]

    assert decide(olivia, "decline", 0) == 302
    assert (Generation.objects.count(), olivia.total) == (3, 1_000 - 3 * EACH)
    assert press(mia, batch, "resume")["HX-Redirect"] != first["HX-Redirect"]


def test_of_a_batch_that_was_cancelled_nothing_is_charged(
    olivia: Merchant, mia: Client, batch: Batch
) -> None:
    press(mia, batch, "resume")
    batches.cancel(olivia.account.pk, batch.pk)
    total = olivia.total

    assert decide(olivia, "approve", 2 * EACH) == 409

    assert (Generation.objects.count(), olivia.total) == (3, total)
    assert Approval.objects.get().state == "waiting"


def test_more_than_the_page_has_shown_is_not_charged(
    olivia: Merchant, mia: Client, batch: Batch
) -> None:
    press(mia, batch, "resume")

    assert decide(olivia, "approve", 2 * EACH - 1) == 409
    assert (Generation.objects.count(), olivia.total) == (3, 1_000 - 3 * EACH)
