"""How long a run is said to take: as ours of late took, else as the engine says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache

from ecomvance_app import clock
from generations.models import Generation
from generations.runs import quote
from tests.generations.engine import Engine
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
TOOL = "background-removal"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def run_that_took(owner: Merchant, seconds: float, *, days_ago: int = 1, state: str = "succeeded"):
    began = clock.now() - timedelta(days=days_ago)
    return Generation.objects.create(
        account=owner.account, key=f"{seconds}-{days_ago}-{state}", request_digest="d", tool=TOOL,
        price=0, surface="web", engine="local", state=state, enqueued_at=began, created_at=began,
        outcome="delivered" if state == "succeeded" else "timeout", started_at=began,
        finished_at=began + timedelta(seconds=seconds),
    )  # fmt: skip


def expected() -> float:
    return quote.expected_seconds(TOOL, "local", "", None)


def test_without_enough_runs_the_engine_says_it(owner: Merchant, engine: Engine) -> None:
    for seconds in (40, 41, 42, 43):
        run_that_took(owner, seconds)

    assert expected() == 3.0


def test_with_some_runs_it_is_their_median(owner: Merchant, engine: Engine) -> None:
    for seconds in (20, 21, 22, 23, 400):
        run_that_took(owner, seconds)

    assert expected() == 22.0


def test_old_and_failed_runs_say_nothing(owner: Merchant, engine: Engine) -> None:
    for number in range(5):
        run_that_took(owner, 50 + number, days_ago=31)
        run_that_took(owner, 70 + number, state="failed")

    assert expected() == 3.0
