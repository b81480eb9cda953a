"""Fifty runs of one batch, some of which fail, are tried again or are cancelled, in any order."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from credits import ledger
from credits.ledger.checks import problems
from credits.models import LedgerEntry, RestorationCase
from credits.outcomes import cases
from ecomvance_app import clock
from generations import tasks
from generations.engines import registry
from generations.engines.base import (
    ContentPolicyError,
    Job,
    Pending,
    PlatformError,
    ProviderError,
    Result,
)
from generations.media.reading import read_picture
from generations.models import Generation
from generations.runs import batches, lifecycle
from generations.runs.request import Order, Requester
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.merchants import Merchant

ITEMS, PRICE = 50, 50
# What the attempts at a run come to, and what the run then ends with. None is a delivery.
FATES: dict[str, tuple[list[Exception | None], str]] = {
    "provider fails": ([ProviderError("The image service failed.")], "provider_error"),
    "refused": ([ContentPolicyError("Refused by the rules.")], "content_policy"),
    "ours": ([PlatformError("Weights are missing.")], "platform_error"),
    "ours twice": ([RuntimeError("boom"), RuntimeError("boom")], "platform_error"),
    "second try": ([ProviderError("Busy.", retry_helps=True), None], "delivered"),
    "cancelled": ([], "cancelled_in_queue"),
}


class Fateful(Engine):
    """An engine that does to each run, named by its angle, what was decided before."""

    def __init__(self, attempts: dict[str, list[Exception | None]]) -> None:
        super().__init__()
        self.attempts = attempts

    def run(self, job: Job) -> Result | Pending:
        self.error = self.attempts[str(job.options["angle"])].pop(0)
        return super().run(job)


@pytest.mark.parametrize("failing", [1, 23, ITEMS])
def test_every_credit_of_a_batch_is_where_its_outcome_says(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    chance = random.Random(failing)  # noqa: S311  The same order each time.
    fates = [chance.choice(list(FATES)) for _ in range(failing)] + [""] * (ITEMS - failing)
    chance.shuffle(fates)
    attempts = {str(n): list(FATES[fate][0]) if fate else [None] for n, fate in enumerate(fates)}
    monkeypatch.setitem(registry.LOCAL, batches.TOOL, Fateful(attempts))
    ledger.add_package(owner.account.pk, ITEMS * PRICE, "pkg")
    picture = read_picture(samples.encoded(samples.quarters(260, 260), "JPEG"))
    orders = [
        Order(batches.TOOL, "1K", options={"angle": n}, uploads=(picture,)) for n in range(ITEMS)
    ]
    requester = Requester(owner.account.pk, owner.person.pk, "web")

    runs, _created = batches.place_batch(requester, orders, "b")
    assert owner.total == 100

    # Each message comes at least twice, and none in the order of the items.
    messages = [str(run.pk) for run in runs] * 3
    chance.shuffle(messages)
    for run in runs:
        if fates[run.options["angle"]] == "cancelled":
            assert lifecycle.cancel(owner.account.pk, str(run.pk))
    for message in messages:
        tasks.run(generation_id=message)

    ended = {str(run.options["angle"]): run.outcome for run in Generation.objects.all()}
    assert ended == {
        str(n): FATES[fate][1] if fate else "delivered" for n, fate in enumerate(fates)
    }
    outcomes = Counter(ended.values())
    assert owner.total == 100 + PRICE * outcomes["cancelled_in_queue"]
    assert RestorationCase.objects.count() == outcomes["platform_error"]

    for case in RestorationCase.objects.all():
        cases.approve(case, owner.person, "Our engine failed.", clock.now())

    given_back = outcomes["cancelled_in_queue"] + outcomes["platform_error"]
    assert owner.total == 100 + PRICE * given_back
    entries = Counter(LedgerEntry.objects.values_list("kind", flat=True))
    assert (entries["spend"], entries["restore"]) == (ITEMS, given_back)
    # The batch comes again, long after: nothing is charged a second time.
    assert batches.place_batch(requester, orders, "b") == (runs, False)
    assert owner.total == 100 + PRICE * given_back
    assert list(problems()) == []
