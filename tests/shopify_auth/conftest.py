"""Fixtures of the identity and Shopify tests."""

from __future__ import annotations

import pytest

from tests.devstore_fixture import DevStore, demo_photos, devstore
from tests.embedded import SECOND_SHOP, SHOP

__all__ = ["demo_photos", "devstore"]


@pytest.fixture
def store_access(devstore: DevStore) -> DevStore:
    """A fake Shopify that knows Olivia's and Sam's stores beside its own two."""
    with devstore.fake.store.change() as state:
        model = state.shops["second-demo"]
        for number, domain in enumerate((SHOP, SECOND_SHOP), start=700_001):
            handle = domain.removesuffix(".myshopify.com")
            state.shops[handle] = model.model_copy(
                deep=True, update={"handle": handle, "number": number, "name": handle}
            )
    return devstore
