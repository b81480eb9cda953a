"""shopify.app.toml and the app must say the same, or Shopify asks for other things than it does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from django.urls import resolve, reverse

from shopify_auth.webhooks import receiving
from shopify_auth.webhooks.bodies import SHAPES

ROOT = Path(__file__).resolve().parents[2]
COMPLIANCE = {"customers/data_request", "customers/redact", "shop/redact"}


@pytest.fixture(scope="module")
def configuration():
    """What Shopify is told."""
    return tomllib.loads((ROOT / "shopify.app.toml").read_text())


def test_it_asks_for_the_scopes_that_are_used(configuration, settings):
    assert configuration["access_scopes"]["scopes"].split(",") == settings.SHOPIFY_SCOPES
    assert "use_legacy_install_flow" not in configuration["access_scopes"]


def test_it_speaks_one_version_of_the_api(configuration, settings):
    assert configuration["webhooks"]["api_version"] == settings.SHOPIFY_API_VERSION == "2026-10"


def test_every_topic_that_is_handled_is_subscribed_and_no_other(configuration):
    subscriptions = configuration["webhooks"]["subscriptions"]
    topics = [topic for one in subscriptions for topic in one.get("topics", [])]
    compliance = [topic for one in subscriptions for topic in one.get("compliance_topics", [])]
    assert set(compliance) == COMPLIANCE
    assert sorted(topics + compliance) == sorted(SHAPES)
    for one in subscriptions:
        assert resolve(one["uri"]).func is receiving.receive


def test_its_addresses_are_the_apps(configuration):
    assert configuration["embedded"] is True
    address = configuration["application_url"].rstrip("/")
    assert configuration["auth"]["redirect_urls"] == [f"{address}{reverse('legacy_callback')}"]


def test_it_holds_no_secret(configuration):
    text = (ROOT / "shopify.app.toml").read_text()
    assert not re.search(r"shp(at|ss|rt|ca|pa)_|secret\s*=", text, re.IGNORECASE)
