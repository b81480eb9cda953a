from __future__ import annotations

import os
import re
import runpy
from pathlib import Path

import environ
import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from scripts import run_product
from scripts.run_options import Options
from scripts.servers.valkey import PrivateValkey

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "ecomvance_app" / "settings.py"

PRODUCTION = {
    "APP_URL": "https://app.example.com",
    "SECRET_KEY": "a-long-text-that-only-this-test-knows-and-nobody-else-0123456789",
    "TOKEN_KEYS": Fernet.generate_key().decode(),
    "IDENTITY_KEY": "another-long-text-that-only-this-test-knows",
    "SHOPIFY_API_KEY": "client-id",
    "SHOPIFY_API_SECRET": "client-secret-of-a-test-with-enough-characters",
    "DATABASE_URL": "postgres://app@db.example.com/app",
    "REDIS_URL": "redis://cache.example.com:6379/0",
    "CELERY_BROKER_URL": "redis://cache.example.com:6379/1",
    "STORAGE_URL": "s3://pictures?region=eu-central-1",
    "EMAIL_URL": "smtp+tls://mail.example.com:587",
}


@pytest.fixture
def start(monkeypatch):
    """Reads the settings as a start with exactly these variables would."""
    # A developer's own .env is not part of the test.
    monkeypatch.setattr(environ.Env, "read_env", lambda *_args, **_options: None)

    def read(**variables: str):
        for name in set(os.environ) - {"PATH", "HOME"}:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return read


class TestProduction:
    def test_starts_with_all_that_is_needed(self, start):
        settings = start(**PRODUCTION)

        assert settings["DEBUG"] is False
        assert settings["SESSION_COOKIE_SECURE"] is True
        assert settings["SECURE_SSL_REDIRECT"] is True
        assert settings["STAFF_REQUIRE_MFA"] is True
        assert settings["TRUSTED_PROXIES"] == []

    @pytest.mark.parametrize(
        "name",
        [
            "APP_URL",
            "SECRET_KEY",
            "TOKEN_KEYS",
            "IDENTITY_KEY",
            "SHOPIFY_API_KEY",
            "SHOPIFY_API_SECRET",
            "DATABASE_URL",
            "REDIS_URL",
            "STORAGE_URL",
        ],
    )
    @pytest.mark.parametrize("value", [None, ""])
    def test_says_what_to_set(self, start, name, value):
        variables = {key: text for key, text in PRODUCTION.items() if key != name}
        if value is not None:
            variables[name] = value

        with pytest.raises(ImproperlyConfigured, match=f"Set {name}"):
            start(**variables)

    @pytest.mark.parametrize(
        "name",
        ["SECRET_KEY", "TOKEN_KEYS", "IDENTITY_KEY", "SHOPIFY_API_KEY", "SHOPIFY_API_SECRET"],
    )
    def test_refuses_the_development_secret(self, start, name):
        development = start(DEBUG="on")[name]
        text = ",".join(development) if isinstance(development, list) else development

        with pytest.raises(ImproperlyConfigured, match=f"Set {name}"):
            start(**PRODUCTION | {name: text})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("APP_URL", "http://app.example.com"),
            ("APP_URL", "app.example.com"),
            ("SECRET_KEY", "short"),
            ("TRUSTED_PROXIES", "10.0.0.5,proxy.example.com"),
            ("TOKEN_KEYS", "not a Fernet key"),
            ("DATABASE_URL", "sqlite:////srv/db.sqlite3"),
            ("DATABASE_URL", "mysql://app@db.example.com/app"),
            ("DATABASE_POOL_SIZE", "0"),
            ("REDIS_URL", "cache.example.com"),
            ("CELERY_BROKER_URL", "filesystem://"),
            ("STORAGE_URL", "pictures"),
            ("STORAGE_URL", "ftp://pictures"),
        ],
    )
    def test_refuses_what_cannot_work(self, start, name, value):
        with pytest.raises(ImproperlyConfigured, match=f"Set {name}"):
            start(**PRODUCTION | {name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("REDIS_URL", "redis://127.0.0.1:6379/0"),
            ("STORAGE_URL", f"file://{ROOT / 'var' / 'files'}"),
        ],
    )
    def test_takes_an_address_that_development_uses_too(self, start, name, value):
        assert start(**PRODUCTION | {name: value})[name] == value

    @pytest.mark.parametrize(
        ("variables", "pool"),
        [
            ({}, {"min_size": 2, "max_size": 10, "timeout": 3, "reconnect_timeout": 2}),
            (
                {"DATABASE_POOL_SIZE": "30"},
                {"min_size": 2, "max_size": 30, "timeout": 3, "reconnect_timeout": 2},
            ),
            (
                {"DATABASE_POOL_SIZE": "1"},
                {"min_size": 1, "max_size": 1, "timeout": 3, "reconnect_timeout": 2},
            ),
        ],
    )
    def test_pools_connections(self, start, variables, pool):
        database = start(**PRODUCTION, **variables)["DATABASES"]["default"]

        assert database["OPTIONS"]["pool"] == pool

    def test_leaves_the_pool_to_the_database(self, start):
        database = start(**PRODUCTION, DATABASE_POOL="off")["DATABASES"]["default"]

        assert "pool" not in database.get("OPTIONS", {})

    @pytest.mark.parametrize(("word", "threshold"), [("on", 1), ("off", None)])
    def test_prepares_the_deduction_unless_a_pooler_forbids_it(self, start, word, threshold):
        database = start(**PRODUCTION, DATABASE_PREPARE=word)["DATABASES"]["default"]

        assert database["OPTIONS"]["prepare_threshold"] == threshold

    def test_refuses_the_fake_shopify(self, start):
        with pytest.raises(ImproperlyConfigured, match="Unset DEV_STORE"):
            start(**PRODUCTION, DEV_STORE="http://127.0.0.1:8001")


class TestDevelopment:
    def test_needs_nothing(self, start):
        settings = start(DEBUG="on")

        assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"

    @pytest.mark.parametrize("place", ["c++", "shop #1", "50%41", "what?"])
    def test_lives_in_any_folder(self, start, monkeypatch, place):
        data = Path("/tmp") / place / "var"  # noqa: S108  Nothing is written there.
        monkeypatch.setattr(run_product, "DATA", data)
        settings = start(DEBUG="on", DATA_DIR=str(data))
        with_scripts_run = start(**run_product.environment(Options(8000, False), PrivateValkey()))

        for found in (settings, with_scripts_run):
            assert found["DATABASES"]["default"]["NAME"] == str(data / "db.sqlite3")
            assert found["STORAGES"]["default"]["OPTIONS"]["location"] == str(data / "files")

    @pytest.mark.parametrize("address", ["http://localhost:8000", "http://127.0.0.1:9000"])
    def test_is_for_this_machine(self, start, address):
        assert start(DEBUG="on", APP_URL=address)["APP_URL"] == address

    def test_takes_the_fake_shopify_on_another_site(self, start):
        assert start(DEBUG="on", DEV_STORE="http://127.0.0.1:8001")["DEV_STORE"]

    @pytest.mark.parametrize("address", ["http://localhost:8000", "http://localhost:8001", "demo"])
    def test_refuses_the_fake_shopify_on_its_own_site(self, start, address):
        with pytest.raises(ImproperlyConfigured, match="Set DEV_STORE to another host"):
            start(DEBUG="on", DEV_STORE=address)

    def test_is_refused_at_a_public_address(self, start):
        with pytest.raises(ImproperlyConfigured, match=r"DEBUG .* Unset DEBUG"):
            start(DEBUG="on", APP_URL="https://app.example.com")


def test_the_example_file_lists_every_setting():
    read = set(
        re.findall(r"(?:\benv\.\w+|required|credential)\(\s*\"([A-Z_]+)\"", SETTINGS.read_text())
    )
    listed = set(
        re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )

    assert read == listed
