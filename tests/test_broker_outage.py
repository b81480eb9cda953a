"""Orders while the broker is away: taken at once, worked off when it is back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import requests
from django.conf import settings
from django.utils import timezone

from ecomvance_app.celery import app
from generations.models import Generation
from scripts.servers.valkey import PrivateValkey, free_port
from tests.merchants import Merchant
from tests.plugins.browser import Product

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
TOOL = "/dashboard/tools/background-removal"
AT_ONCE_SECONDS = 20
WITHIN_SECONDS = 100


@pytest.fixture
def broker() -> Iterator[PrivateValkey]:
    valkey = PrivateValkey()
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
def site(broker: PrivateValkey) -> Iterator[Product]:
    """A web server and a worker with a broker of their own."""
    product = Product(free_port(), CELERY_BROKER_URL=broker.url(), REDIS_URL=broker.url(1))
    product.start()
    yield product
    product.stop()


def sweep(broker: PrivateValkey) -> None:
    """Send what the schedule sends every 15 seconds."""
    with app.connection_for_write(broker.url()) as connection:
        app.send_task("generations.sweep", connection=connection)


def until_worker_listens(broker: PrivateValkey) -> None:
    """Wait until the worker has taken a message."""
    sweep(broker)
    deadline = time.monotonic() + WITHIN_SECONDS
    with redis.Redis.from_url(broker.url()) as queue:
        while queue.exists("celery", "default", "engines"):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_run_that_no_broker_took_is_sent_again_and_charged_once(
    site: Product, broker: PrivateValkey, owner: Merchant, photographs: Path
) -> None:
    until_worker_listens(broker)
    name = settings.SESSION_COOKIE_NAME
    browser = requests.Session()
    browser.cookies.set(name, owner.client.cookies[name].value)
    browser.get(f"{site.url}{TOOL}", timeout=60)
    headers = {"X-CSRFToken": browser.cookies[settings.CSRF_COOKIE_NAME], "HX-Request": "true"}

    broker.stop()
    began = time.monotonic()
    with (photographs / "coffee.png").open("rb") as photo:
        answer = browser.post(
            f"{site.url}{TOOL}",
            data={"key": "k"}, files={"image": photo}, headers=headers, timeout=60,
        )  # fmt: skip
    assert answer.status_code == 201
    assert time.monotonic() - began < AT_ONCE_SECONDS
    run = Generation.objects.get()
    assert (run.state, owner.total) == ("queued", 80)

    broker.start()
    # Ninety seconds have passed when the schedule's next sweep comes.
    Generation.objects.update(enqueued_at=timezone.now() - timedelta(seconds=90))
    sweep(broker)

    deadline = time.monotonic() + WITHIN_SECONDS
    while not run.is_final:
        assert time.monotonic() < deadline, site.worker.log.read_text()[-3000:]
        time.sleep(0.2)
        run.refresh_from_db()
    assert (run.state, run.attempts, owner.total) == ("succeeded", 1, 80)
