"""What tests of runs start from: a store, an engine, a look at what is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecomvance_app.celery import app
from generations import products
from generations.engines import registry
from tests.generations.engine import Engine


@pytest.fixture(autouse=True)
def store(settings: object) -> Iterator[None]:
    settings.PRODUCT_SOURCE = "tests.generations.mug_store.OneMug"  # type: ignore[attr-defined]
    products._source.cache_clear()
    yield
    products._source.cache_clear()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Background removal by an engine of the test's own; no other tool has one."""
    engine = Engine()
    monkeypatch.setattr(registry, "LOCAL", {"background-removal": engine})
    return engine


@pytest.fixture
def sent_jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names and ids of the jobs that were sent."""
    sent: list[str] = []

    def send(name: str, kwargs: dict[str, str], **_options: object) -> None:
        sent.append(" ".join([name, *kwargs.values()]))

    monkeypatch.setattr(app, "send_task", send)
    return sent
