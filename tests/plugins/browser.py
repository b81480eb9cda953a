"""Chromium and the running product, for tests marked `browser`.

Web server and worker are processes of their own, as in production, on the test's database: what a
test writes is committed (`transactional_db`), and a task may be watched, interrupted or killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import redis
from django.conf import settings
from django.db import connection, connections

from ecomvance_app.celery import app as celery_app
from scripts.servers.processes import die_with_parent, end
from scripts.servers.valkey import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

    from shopify_auth.models import Person

ROOT = Path(__file__).resolve().parent.parent.parent
# A busy machine is no failure: what is waited for comes as soon as it is there, and no sooner with a
# shorter time-out.
STARTED_WITHIN_SECONDS = 120
IDLE_WITHIN_SECONDS = 120
IDLE_LOOKS = 6
PATIENCE_MILLISECONDS = 45_000
LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
WIDE = {"width": 1280, "height": 900}
RUNNING = {"_running_product", "_running_framed_product"}
# Chromium writes every refused request to the console; what the page makes of it is for the test.
EXPECTED_REFUSAL = "Failed to load resource: the server responded with a status of 4"


class Program:
    """One process of the product, its output in a file for the failure report."""

    def __init__(self, name: str, *arguments: str, environment: dict[str, str]) -> None:
        self.log = Path(settings.DATA_DIR) / f"{name}.log"
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  It only calls prctl.
            )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, ending: signal.Signals = signal.SIGTERM) -> None:
        """End it in order, or with SIGKILL as a crash does."""
        if self._process is not None:
            end(self._process, ending, within_seconds=10)
            self._process = None


class Product:
    """The product as it runs for a merchant: `url` is its address, `worker` may be killed."""

    def __init__(self, port: int, **extra_settings: str) -> None:
        self.url = f"http://localhost:{port}"
        database = urlsplit(os.environ["DATABASE_URL"])
        name = connection.settings_dict["NAME"]
        environment = {
            **os.environ,
            "APP_URL": self.url,
            "DATABASE_URL": database._replace(path=f"/{name}").geturl(),
            "PYTHONUNBUFFERED": "1",
            **extra_settings,
        }
        # Celery warns root because of pickled messages; this project's are JSON.
        environment["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser"
        self.web = Program(
            f"web-{port}",
            *("-m", "uvicorn", "ecomvance_app.asgi:application"),
            *("--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "1"),
            environment=environment,
        )
        self.worker = Program(
            f"worker-{port}",
            *("-m", "celery", "-A", "ecomvance_app", "worker", "-P", "threads", "-c", "2"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"),
            environment=environment,
        )

    def start(self) -> None:
        self.web.start()
        self.worker.start()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait for the web server's first answer."""
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while not self._answers():
            if not self.web.is_running() or time.monotonic() > deadline:
                pytest.fail(f"The web server did not start:\n{self.web.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self.web.stop()
        self.worker.stop()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=2):  # noqa: S310  Our own server.
                return True
        except (URLError, OSError):
            return False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what needs the running product come last, in whatever order that was.

    Its worker lives to the end of the session, and would take the messages and sweep the rows that
    other tests commit.
    """
    items.sort(key=lambda item: not RUNNING.isdisjoint(getattr(item, "fixturenames", ())))


@pytest.fixture(scope="session")
def _running_product(django_db_setup: None) -> Iterator[Product]:
    product = Product(free_port())
    product.start()
    yield product
    product.stop()


@pytest.fixture
def product(_running_product: Product, transactional_db: None) -> Iterator[Product]:
    """The running product on this test's database; a worker that a test killed is up again."""
    # What other tests have sent, or a killed worker had taken, is not this test's work.
    celery_app.control.purge()
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        broker.delete("unacked", "unacked_index")
    if not _running_product.worker.is_running():
        _running_product.worker.start()
    yield _running_product
    wait_until_idle(settings.CELERY_BROKER_URL)


def wait_until_idle(broker_url: str) -> None:
    """Wait until web server and worker are through with what a test has started.

    They work on the test's database: emptying it under one of their transactions deadlocks, and a
    late request of a closed page would write into the next test.
    """
    deadline = time.monotonic() + IDLE_WITHIN_SECONDS
    quiet = 0
    with redis.Redis.from_url(broker_url) as broker:
        while quiet < IDLE_LOOKS and time.monotonic() < deadline:
            time.sleep(0.05)
            waiting = sum(broker.llen(queue.name) for queue in settings.CELERY_TASK_QUEUES)
            busy = waiting or broker.hlen("unacked") or _open_transactions()
            quiet = 0 if busy else quiet + 1


def _open_transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return int(cursor.fetchone()[0])


@pytest.fixture(scope="session")
def _chromium_with_loop() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip(
            "No Chromium here: run scripts/test as root on Debian or Ubuntu, which installs it, "
            "or set CHROMIUM to the path of one."
        )
    # Slow, only for these tests.
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415

    # Its event loop makes Django suspect asynchronous code in this thread.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            chromium_sandbox=os.geteuid() != 0,
            timeout=1000 * STARTED_WITHIN_SECONDS,
            args=["--disable-background-networking", "--disable-component-update"],
        )
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def chromium(
    _chromium_with_loop: tuple[Browser, asyncio.AbstractEventLoop],
) -> Iterator[Browser]:
    """Debian's Chromium, started once; without one the browser tests are skipped.

    Playwright's loop counts as running in this thread from start to end, which would forbid
    asyncio.run to all later tests, so it counts only while a test has the browser.
    """
    browser, loop = _chromium_with_loop
    asyncio._set_running_loop(loop)
    yield browser
    # Under a loop Django keeps connections of their own, which nobody else would close.
    connections.close_all()
    asyncio._set_running_loop(None)


def new_window(chromium: Browser, **options: Any) -> BrowserContext:
    """A browser window of its own, with the patience that a busy machine asks for."""
    context = chromium.new_context(**options)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    return context


@pytest.fixture
def complaints() -> list[str]:
    """What browsers complain of: console errors, exceptions, requests to other hosts.

    A test fails when any is left at its end; one that provokes a complaint removes it.
    """
    return []


@pytest.fixture
def open_context(
    chromium: Browser, product: Product, complaints: list[str]
) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser windows without a common memory, as of different people."""
    contexts: list[BrowserContext] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED_REFUSAL):
            complaints.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.hostname not in LOOPBACK:
            complaints.append(f"request to another host: {request.url}")

    def make(**options: Any) -> BrowserContext:
        defaults = {"base_url": product.url, "viewport": WIDE, "reduced_motion": "reduce"}
        context = new_window(chromium, **(defaults | options))
        context.on("console", on_console)
        context.on("weberror", lambda error: complaints.append(f"exception: {error.error}"))
        context.on("request", on_request)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    """A page that nobody has signed in on."""
    return open_context().new_page()


@pytest.fixture
def sign_in(open_context: Callable[..., BrowserContext], product: Product) -> Callable[..., Page]:
    """`sign_in(person)` gives a page of the web dashboard on which this person is signed in."""
    from django.test import Client  # noqa: PLC0415  Django is not set up when plugins load.

    def make(person: Person, **options: Any) -> Page:
        client = Client()
        client.force_login(person)
        context = open_context(**options)
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                    "url": product.url,
                }
            ]
        )
        return context.new_page()

    return make
