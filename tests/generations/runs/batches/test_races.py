"""Two at once: of the same key and of two keys, one charge."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from credits import ledger
from credits.ledger.checks import problems
from credits.models import LedgerEntry
from generations.engines import registry
from generations.models import Batch, Generation
from generations.runs import batches
from generations.runs.batches import placing, progress
from generations.runs.batches.rules import BatchEnded
from generations.runs.orders import Order, Requester
from generations.runs.quote import Terms
from tests.at_once import at_once, meeting_after
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug
from tests.merchants import Merchant

EACH = 50
THREE_FIRST = batches.Together(three_first=True)
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    # What is committed and sent, a worker that browser tests have started would work off.
    pytest.mark.usefixtures("sent_jobs"),
]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LOCAL", {batches.TOOL: Engine()})


@pytest.fixture
def batch(owner: Merchant) -> Batch:
    """Five items, of which three are charged and have failed."""
    ledger.add_package(owner.account.pk, 1000, "pkg")
    orders = [Order(batches.TOOL, "1K", product_id=OneMug.mug.id)] * 5
    batch, _created = batches.place(_asker(owner), orders, "b", together=THREE_FIRST)
    Generation.objects.update(state="failed", outcome="provider_error")
    return batch


def _asker(owner: Merchant) -> Requester:
    return Requester(owner.account.pk, owner.person.pk, "web")


def calls(owner: Merchant, batch: Batch, verb: str, keys: list[str]) -> list[Callable[[], object]]:
    do = getattr(batches, verb)
    return [partial(do, _asker(owner), batch.pk, key) for key in keys]


@pytest.mark.parametrize(
    "keys", [["k"] * 4, ["k1", "k2", "k3", "k4"]], ids=["one key", "four keys"]
)
@pytest.mark.parametrize(("verb", "items"), [("resume", 2), ("retry", 3)])
def test_a_double_click_charges_once(
    owner: Merchant, batch: Batch, verb: str, items: int, keys: list[str]
) -> None:
    raised = at_once(*calls(owner, batch, verb, keys))

    assert raised == []
    assert owner.total == 1100 - 3 * EACH - items * EACH
    assert LedgerEntry.objects.filter(kind="spend").count() == 3 + items
    assert Generation.objects.filter(batch=batch, state="queued").count() == items
    assert list(problems()) == []


def test_the_second_of_one_key_is_not_refused_for_what_the_first_took(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [Order(batches.TOOL, "1K", product_id=OneMug.mug.id)] * 2
    assert owner.total == 2 * EACH
    firsts: list[Batch] = []
    check = placing.check

    def first_is_quicker(orders: Sequence[Order]) -> list[Terms]:
        monkeypatch.setattr(placing, "check", check)
        firsts.append(batches.place(_asker(owner), orders, "b")[0])
        return check(orders)

    monkeypatch.setattr(placing, "check", first_is_quicker)

    assert batches.place(_asker(owner), orders, "b") == (firsts[0], False)
    assert Batch.objects.count() == 1
    assert owner.total == 0


def test_one_key_for_two_batches_at_once_is_refused_for_one(owner: Merchant, batch: Batch) -> None:
    orders = [Order(batches.TOOL, "1K", product_id=OneMug.mug.id)] * 5
    other, _created = batches.place(_asker(owner), orders, "c", together=THREE_FIRST)
    before = owner.total

    raised = at_once(
        *calls(owner, batch, "resume", ["k"]),
        *calls(owner, other, "resume", ["k"]),
        wrapper=meeting_after("SELECT", "generations_batchcharge"),
    )

    assert [type(one) for one in raised] == [ledger.KeyConflict]
    assert owner.total == before - 2 * EACH


def test_resume_and_cancel_at_once_end_in_one_of_two_ways(owner: Merchant, batch: Batch) -> None:
    def cancel() -> None:
        with contextlib.suppress(BatchEnded):
            batches.cancel(owner.account.pk, batch.pk)

    def resume() -> None:
        with contextlib.suppress(BatchEnded):
            batches.resume(_asker(owner), batch.pk, "k")

    raised = at_once(cancel, resume)

    assert raised == []
    assert progress.read(Batch.objects.get()).state == "cancelled"
    # What was charged by then was given back.
    assert owner.total == 1100 - 3 * EACH
    assert list(problems()) == []


def test_retry_and_resume_at_once_charge_both(owner: Merchant, batch: Batch) -> None:
    raised = at_once(
        *calls(owner, batch, "retry", ["r", "r"]), *calls(owner, batch, "resume", ["s", "s"])
    )

    assert raised == []
    assert owner.total == 1100 - 8 * EACH
