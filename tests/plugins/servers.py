"""Gives a test run its own PostgreSQL and Valkey, and Django the settings that point there.

Loaded by name before pytest-django reads the settings. With pytest-xdist the controlling process
owns PostgreSQL and each worker makes its own database in it; Valkey is one per process, because
its channels would carry one worker's messages to another.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management.commands import flush
from django.db import connection

from scripts.servers.postgres import PostgresUnavailableError, PrivatePostgres
from scripts.servers.valkey import PrivateValkey

ROOT = Path(__file__).resolve().parent.parent.parent
FAST_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sqlite",
        action="store_true",
        help="run on SQLite, without the tests that need PostgreSQL or a browser",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set the environment first; pytest-django's hook of this name reads the settings."""
    options = early_config.known_args_namespace
    folder = Path(tempfile.mkdtemp(prefix="ecomvance-test-"))
    early_config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    valkey = PrivateValkey()
    valkey.start()
    early_config.add_cleanup(valkey.stop)
    os.environ |= {
        "DEBUG": "on",
        "APP_URL": "http://localhost:8000",
        "DATA_DIR": str(folder),
        "STORAGE_URL": f"file://{folder / 'files'}",
        "CELERY_BROKER_URL": valkey.url(database=0),
        "REDIS_URL": valkey.url(database=1),
        # A developer's own .env or shell must not reach the tests.
        **dict.fromkeys(
            ("DEV_STORE", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "SENTRY_DSN"), ""
        ),
    }
    if options.sqlite or options.collectonly:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'db.sqlite3'}"
    elif "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["DATABASE_URL"] = _start_postgres(early_config)
    return (yield)


def _start_postgres(config: pytest.Config) -> str:
    postgres = PrivatePostgres()
    config.add_cleanup(postgres.remove)
    try:
        postgres.start()
    except PostgresUnavailableError as error:
        raise pytest.UsageError(str(error)) from error
    return postgres.url()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot hold on SQLite; the ordinary run holds it on PostgreSQL."""
    if not config.option.sqlite:
        return
    left_out = [
        item
        for item in items
        if item.get_closest_marker("postgresql") or item.get_closest_marker("browser")
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings: None
) -> None:
    """On SQLite keep the test database in a file, as in use: threads get connections of their own."""
    if connection.vendor == "sqlite":
        name = f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.sqlite3"
        test_settings = connection.settings_dict["TEST"]
        test_settings["NAME"] = str(Path(os.environ["DATA_DIR"]) / name)


@pytest.fixture(scope="session", autouse=True)
def _flush_lifts_append_only() -> Iterator[None]:
    """Let Django empty the tables between tests: the ledger's triggers refuse it otherwise.

    Only the tables' owner can drop the triggers, and they stand again before the next test.
    """
    from credits.ledger import triggers  # noqa: PLC0415  Django is not set up when plugins load.

    names = ("0003_seed", "0018_low_credit_default")
    seeds = [importlib.import_module(f"credits.migrations.{name}") for name in names]
    original = flush.Command.handle

    def handle(command: flush.Command, **options: object) -> str | None:
        triggers.remove(connection)
        try:
            said = original(command, **options)
            # Plans, packages, outcome rules and the default came by migration; they are there again.
            for module in seeds:
                module.seed(apps, connection.schema_editor())
            return said
        finally:
            triggers.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", handle)
        yield


@pytest.fixture(autouse=True)
def _fast_passwords(request: pytest.FixtureRequest) -> None:
    """Hash invented people's passwords cheaply, but for browser tests, whose server checks them."""
    if not request.node.get_closest_marker("browser"):
        request.getfixturevalue("settings").PASSWORD_HASHERS = [FAST_HASHER]


@pytest.fixture(autouse=True)
def _nothing_left_for_the_next_test() -> Iterator[None]:
    """Undo what no rollback undoes: stored files and the cache with its rate limits.

    On SQLite the next test's account gets the same id again, and would inherit its files.
    """
    yield
    shutil.rmtree(Path(os.environ["DATA_DIR"]) / "files", ignore_errors=True)
    cache.clear()
