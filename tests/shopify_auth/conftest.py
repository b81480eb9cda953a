"""Fixtures of the identity and Shopify tests."""

from __future__ import annotations

import pytest

from tests.devstore_fixture import DevStore, demo_photos, devstore
from tests.embedded import EURO_SHOP, SECOND_SHOP, SHOP
from tests.merchants import HALF_HOUR_ZONE, SAM, SAMS_STORE

__all__ = ["demo_photos", "devstore"]


@pytest.fixture
def store_access(devstore: DevStore) -> DevStore:
    """A fake Shopify that knows Olivia's, Sam's and Emil's stores beside its own two."""
    described: dict[str, dict[str, str]] = {
        SHOP: {"time_zone": HALF_HOUR_ZONE},
        SECOND_SHOP: {"name": SAMS_STORE, "owner": SAM},
        EURO_SHOP: {"currency": "EUR"},
    }
    with devstore.fake.store.change() as state:
        model = state.shops["second-demo"]
        for number, (domain, facts) in enumerate(described.items(), start=700_001):
            handle = domain.removesuffix(".myshopify.com")
            own = {"handle": handle, "number": number, "name": handle} | facts
            state.shops[handle] = model.model_copy(deep=True, update=own)
    return devstore
