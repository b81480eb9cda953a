"""The running product inside the fake admin; import these fixtures in a conftest.

Both are processes or threads on ports of their own, `localhost` for the app and `127.0.0.1` for the
admin, which are two sites to a browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings

from ecomvance_app import clock
from scripts.servers.valkey import free_port
from shopify_auth.devstore.server import DevStoreServer
from tests.devstore_fixture import DEMO, DevStore
from tests.plugins.browser import Product, new_window, wait_until_idle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass(frozen=True)
class FramedProduct:
    """The running product and a fake Shopify that frames it, on two sites."""

    product: Product
    devstore: DevStore

    def admin_url(self, path: str = "", handle: str = DEMO) -> str:
        """The address of the app's page `path` inside a store's admin."""
        return f"{self.devstore.url}/store/{handle}/apps/{django_settings.SHOPIFY_API_KEY}{path}"


def _queue() -> str:
    """A queue of its own: the worker of the unframed product knows no fake Shopify to ask."""
    return urlsplit(django_settings.CELERY_BROKER_URL)._replace(path="/2").geturl()


@pytest.fixture(scope="session")
def _running_framed_product(
    django_db_setup: None, demo_photos: Path
) -> Iterator[tuple[DevStoreServer, Product]]:
    folder = Path(django_settings.DATA_DIR)
    (folder / "demo_photos").symlink_to(demo_photos)
    server = DevStoreServer(folder / "devstore")
    server.start()
    product = Product(free_port(), DEV_STORE=server.fake.base_url, CELERY_BROKER_URL=_queue())
    product.start()
    yield server, product
    product.stop()
    server.stop()


@pytest.fixture
def framed_product(
    _running_framed_product: tuple[DevStoreServer, Product],
    settings: Settings,
    transactional_db: None,
) -> Iterator[FramedProduct]:
    """The product inside the fake admin, on this test's database, as on the first day."""
    server, product = _running_framed_product
    settings.DEV_STORE = server.fake.base_url
    settings.APP_URL = product.url
    server.fake.store.reset()
    server.fake.buckets.clear()
    clock.shift_file().unlink(missing_ok=True)
    if not product.worker.is_running():
        product.worker.start()
    yield FramedProduct(product, DevStore(server))
    wait_until_idle(_queue())


@pytest.fixture
def admin_page(chromium: Browser, framed_product: FramedProduct) -> Iterator[Page]:
    """A browser page in which the merchant is signed in to the store's admin."""
    context = new_window(chromium, viewport={"width": 1280, "height": 900})
    # Chromium lets no public page reach loopback; both of ours are there.
    context.grant_permissions(["local-network-access"])
    yield context.new_page()
    context.close()
