"""Of what a merchant's program sends as an idempotency key nothing readable is kept."""

from __future__ import annotations

import json
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from credits.models import LedgerEntry
from generations.engines import registry
from generations.models import Generation
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant

KEY = "order-of-john.smith@example.com"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.LOCAL, "background-removal", Engine())


def test_its_text_stands_in_no_run_and_no_entry(owner: Merchant) -> None:
    ask(owner.client, key=KEY)

    rows = [*Generation.objects.values(), *LedgerEntry.objects.values()]
    assert len(rows) == 3
    assert "smith" not in json.dumps(rows, default=str)


def test_a_repetition_finds_its_run_and_costs_nothing(owner: Merchant) -> None:
    for _time in range(2):
        ask(owner.client, key=KEY)

    assert Generation.objects.count() == 1
    assert owner.total == 80


def test_the_migration_moves_old_runs_so_that_a_repetition_still_finds_them(
    owner: Merchant,
) -> None:
    ask(owner.client, key=KEY)
    Generation.objects.update(key=KEY)
    migration = import_module("generations.migrations.0005_key_digests")

    migration.keep_digests(apps, SimpleNamespace(connection=connection))

    assert Generation.objects.get().key != KEY
    ask(owner.client, key=KEY)
    assert Generation.objects.count() == 1
    assert owner.total == 80
