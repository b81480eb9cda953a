"""Merchants who use the API from inside Shopify's admin, and what the store has to offer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from generations import products
from generations.engines import registry
from generations.engines.local.guide import Guide
from tests.api.storefront import IdleEngine
from tests.merchants import ApiMerchant, open_store


@pytest.fixture(autouse=True)
def _storefront(settings) -> Iterator[None]:
    """Every account's store has the same two products, but Sam's, which has another."""
    settings.PRODUCT_SOURCE = "tests.api.storefront.Storefront"
    products._source.cache_clear()
    yield
    products._source.cache_clear()


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One tool has an engine that could run: no run is worked on here. The guide answers."""
    engines = {"background-removal": IdleEngine(), "chat-assistant": Guide()}
    monkeypatch.setattr(registry, "LOCAL", engines)


@pytest.fixture
def shadowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on which AI Shadowing has an engine."""
    monkeypatch.setitem(registry.LOCAL, "ai-shadowing", IdleEngine())


@pytest.fixture
def owner(db: None) -> ApiMerchant:
    """Olivia, whose store most tests are about."""
    return open_store("olivias-mugs.myshopify.com")


@pytest.fixture
def second_shop(db: None) -> ApiMerchant:
    """Sam, whose store must never be seen from Olivia's."""
    return open_store("sams-lamps.myshopify.com")


@pytest.fixture
def stranger() -> Client:
    """Somebody who has no token at all."""
    return Client()
