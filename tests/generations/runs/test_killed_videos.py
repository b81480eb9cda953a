"""A video killed before each statement of its life: one charge, and at most one job at the provider.

By class, not by place: whatever step is added, it is killed there too. On PostgreSQL, with real
transactions; whoever is killed says nothing more to the database.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry, RestorationCase
from generations import tasks
from generations.engines import registry
from generations.engines.base import Pending, Result
from generations.models import Generation, Picture
from generations.runs import lifecycle, request
from generations.runs.orders import Order, Requester
from tests.generations.engine import Engine
from tests.generations.runs.test_long_work import VIDEO
from tests.merchants import Merchant, make_merchant

PRICE = 400


class Killed(BaseException):
    """The process is gone: nothing in it catches this."""


class Killer:
    """Lets so many statements through, and nothing after them."""

    def __init__(self, statements: int) -> None:
        self.left = statements

    def __call__(self, execute: Callable[..., Any], *given: Any) -> Any:
        if self.left <= 0:
            raise Killed
        self.left -= 1
        return execute(*given)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Engine:
    settings.GEMINI_API_KEY = "key"
    engine = Engine(name="google", long=True)
    engine.result = Pending("handle-1", timedelta(seconds=-1))
    engine.polled = Result((VIDEO,), "google", "veo-test", "real", {"seconds": 4})
    monkeypatch.setitem(registry.GOOGLE, "veo-t2v", engine)
    return engine


def ask(merchant: Merchant, key: str) -> Generation:
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    return request.place(requester, Order("veo-t2v", seconds=4, prompt="A mug turns"), key)[0]


def live(merchant: Merchant, key: str) -> None:
    """From the button to the video, by the same steps as the web and the workers take."""
    run = ask(merchant, key)
    tasks.call(generation_id=str(run.pk))
    tasks.poll(generation_id=str(run.pk))


def survive(merchant: Merchant, key: str) -> Generation:
    """What happens after the death: the merchant presses again, sweeps find what was left."""
    run = ask(merchant, key)
    for _round in range(3):
        past = timezone.now() - timedelta(hours=1)
        held = Generation.objects.filter(pk=run.pk, lease_until__isnull=False)
        held.update(lease_until=past, suspected_at=past)
        Generation.objects.filter(pk=run.pk, poll_at__isnull=False).update(poll_at=past)
        lifecycle.sweep()
        tasks.call(generation_id=str(run.pk))
        tasks.poll(generation_id=str(run.pk))
    run.refresh_from_db()
    return run


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_before_each_statement_there_is_one_charge_and_at_most_one_job(provider: Engine) -> None:
    olivia = make_merchant("Olivia")
    ledger.add_package(olivia.account.pk, 100_000, "package")
    ends = []
    for statements in range(500):
        key, sent_before = f"killed-{statements}", provider.runs
        try:
            with connection.execute_wrapper(Killer(statements)):
                live(olivia, key)
            break
        except Killed:
            pass

        run = survive(olivia, key)

        assert run.spend_id is not None
        entries = LedgerEntry.objects.filter(pk=run.spend_id)
        assert [-e.credits for e in entries] == [PRICE]
        assert provider.runs - sent_before <= 1
        outputs = Picture.objects.filter(generation=run, role="output").count()
        cases = RestorationCase.objects.filter(spend=run.spend_id).count()
        assert (run.state, run.outcome, outputs, cases) in (
            ("succeeded", "delivered", 1, 0), ("failed", "platform_error", 0, 1),
        )  # fmt: skip
        # Given up is only what may have been billed already.
        assert run.state == "succeeded" or run.step == "submitting"
        ends.append(run.state)
    else:
        pytest.fail("The video never came to its end")

    assert {"succeeded", "failed"} == set(ends)
    assert len(ends) > 20
    assert LedgerEntry.objects.filter(kind="spend").count() == len(ends) + 1
    assert not LedgerEntry.objects.filter(kind="restore").exists()
    assert Generation.objects.count() == len(ends) + 1
