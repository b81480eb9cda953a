"""Two stores that have the app."""

from __future__ import annotations

import pytest
from django.test import Client

from shopify_auth.models import Shop
from tests.embedded import SECOND_SHOP, SHOP, open_page


@pytest.fixture
def shop(store_access):
    """Olivia's store, which has the app."""
    open_page(Client())
    return Shop.objects.get(domain=SHOP)


@pytest.fixture
def other_shop(store_access):
    """Sam's store, which has the app too."""
    open_page(Client(), SECOND_SHOP)
    return Shop.objects.get(domain=SECOND_SHOP)
