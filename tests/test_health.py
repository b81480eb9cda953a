"""What a load balancer asks: whether the process answers, and whether it can work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.test import Client

from scripts.servers.postgres import PrivatePostgres
from scripts.servers.valkey import PrivateValkey, free_port
from tests.plugins.browser import Product

WITHIN_SECONDS = 60
# The pool by itself would try again after 1, 3, 7, 15 and 31 seconds.
OUTAGE_SECONDS = 16
BACK_WITHIN_SECONDS = 12


@pytest.mark.django_db
def test_a_process_that_has_everything_says_so(client: Client) -> None:
    for path in ("/healthz", "/readyz"):
        response = client.get(path)

        assert (response.status_code, response.json()) == (200, {"status": "ok"})


@dataclass
class Site:
    """A web server, pooled as in production, with a database and a broker that may be stopped."""

    url: str
    database: PrivatePostgres
    broker: PrivateValkey

    def ask(self, path: str) -> tuple[int, Any]:
        """The status and the body of an answer, which comes in time whatever is away."""
        response = requests.get(f"{self.url}{path}", timeout=30)
        return response.status_code, response.json()

    def becomes(self, status: int, body: dict[str, Any]) -> None:
        """Wait for this answer of /readyz."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while self.ask("/readyz") != (status, body):
            assert time.monotonic() < deadline, self.ask("/readyz")
            time.sleep(0.1)


@pytest.fixture
def site(db: None) -> Iterator[Site]:
    with PrivatePostgres() as database:
        broker = PrivateValkey()
        broker.start()
        product = Product(
            free_port(),
            DATABASE_URL=database.url(),
            DATABASE_POOL="on",
            CELERY_BROKER_URL=broker.url(),
            REDIS_URL=broker.url(1),
        )
        product.web.start()
        try:
            product.wait_until_up()
            yield Site(product.url, database, broker)
        finally:
            product.stop()
            broker.stop()


@pytest.mark.postgresql
def test_a_process_says_what_is_away_and_when_it_is_back(site: Site) -> None:
    assert site.ask("/readyz") == (200, {"status": "ok"})

    site.broker.stop()
    site.becomes(503, {"status": "unavailable", "away": ["broker"]})
    site.database.stop()
    site.becomes(503, {"status": "unavailable", "away": ["database", "broker"]})
    assert site.ask("/healthz") == (200, {"status": "ok"})

    site.broker.start()
    site.becomes(503, {"status": "unavailable", "away": ["database"]})
    site.database.start()
    site.becomes(200, {"status": "ok"})


@pytest.mark.postgresql
def test_pages_are_back_within_seconds_of_the_database(site: Site) -> None:
    """However long it was away: the pool's own waits would double each time."""
    site.database.stop()
    away_until = time.monotonic() + OUTAGE_SECONDS
    while time.monotonic() < away_until:
        assert site.ask("/readyz")[0] == 503
    site.database.start()
    back = time.monotonic()
    site.becomes(200, {"status": "ok"})
    assert time.monotonic() - back < BACK_WITHIN_SECONDS
