"""A quick engine, and Olivia with a plan period and a package."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from credits import ledger
from generations.engines import registry
from generations.runs import batches
from tests.generations.engine import Engine
from tests.generations.runs.batches.steps import DAY, START
from tests.merchants import Merchant


@pytest.fixture
def quick_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers at once."""
    monkeypatch.setattr(registry, "LOCAL", {batches.TOOL: Engine()})


@pytest.fixture
def olivia(owner: Merchant, time_machine: Any) -> Merchant:
    """Olivia with a plan period of thirty days and a package."""
    time_machine.move_to(START, tick=False)
    ledger.start_plan_period(
        owner.account.pk, "starter", timezone.now(), timezone.now() + 30 * DAY, key="period"
    )
    ledger.add_package(owner.account.pk, 1000, "pkg")
    return owner
