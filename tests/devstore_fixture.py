"""The fake Shopify for tests; import `devstore` and `demo_photos` in a conftest.

It listens on a free loopback port in a thread of the test process, so DEV_STORE, the secrets and the
clock are the test's own, and keeps its state in the test's temporary folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image, ImageDraw
from pytest_django.fixtures import Settings

from ecomvance_app import clock
from shopify_auth.devstore import billing, tokens
from shopify_auth.devstore.admin import controls
from shopify_auth.devstore.catalogue import demo_products
from shopify_auth.devstore.server import DevStoreServer
from shopify_auth.devstore.state import Charge, Delivery, DeliveryStatus, Shop

DEMO = "ecomvance-demo"
STRANGER = "second-demo"
WAIT_SECONDS = 20


class DevStore:
    """A running fake Shopify, as the merchant, the clock and the network of a test."""

    def __init__(self, server: DevStoreServer) -> None:
        self._server = server
        self.fake = server.fake
        self.url = server.fake.base_url

    def shop(self, handle: str = DEMO) -> Shop:
        """A copy of what the fake knows of a store."""
        return self.fake.store.copy().shops[handle]

    @contextmanager
    def changed_shop(self, handle: str = DEMO) -> Iterator[Shop]:
        """The store itself, kept when the block ends."""
        with self.fake.store.change() as state:
            yield state.shops[handle]

    def session_token(self, handle: str = DEMO) -> str:
        """A fresh session token of the store's owner."""
        return tokens.session_token(self.shop(handle))

    def misbehave(self, *, handle: str = DEMO, **counts: int) -> None:
        """Let the next `count` events of each kind go wrong; -1 until further notice, 0 none."""
        for name, count in counts.items():
            self.press("switch", handle, name=name, count=str(count))
            assert getattr(self.shop(handle).misbehaviour, name) == count

    def misbehave_once(self, name: str) -> None:
        """Let the demo store's next event of this kind go wrong."""
        self.press("switch", name=name, count="1")
        assert getattr(self.shop().misbehaviour, name) == 1

    def press(self, action: str, handle: str = DEMO, **form: str) -> None:
        """Press a button of the control page: uninstall, install, compliance, charge, …"""
        response = requests.post(
            f"{self.url}/store/{handle}/controls/{action}", data=form, timeout=10
        )
        response.raise_for_status()

    def move_clock(self, **step: float) -> datetime:
        """Move the business clock of both sides, as timedelta(**step); what is due happens."""
        controls.move_clock(timedelta(**step))
        with self.fake.store.change() as state:
            billing.let_time_pass(state, clock.now())
        self.fake.courier.wake()
        return clock.now()

    def charge(self, gid: str, handle: str = DEMO) -> Charge:
        """The charge with this global id."""
        return next(charge for charge in self.shop(handle).charges if charge.gid == gid)

    def decide(self, gid: str, decision: str = "approve", handle: str = DEMO) -> str:
        """Approve or decline on the confirmation page; where the merchant is sent."""
        charge = self.charge(gid, handle)
        response = requests.post(
            f"{self.url}/store/{handle}/charges/{charge.number}/decision",
            data={"signature": charge.signature, "decision": decision},
            allow_redirects=False,
            timeout=10,
        )
        assert response.status_code == 302
        return response.headers["Location"]

    def deliveries(self, topic: str = "", handle: str = DEMO) -> list[Delivery]:
        """The webhooks of a store so far, oldest first."""
        domain = self.shop(handle).domain
        return [
            one
            for one in self.fake.store.copy().deliveries
            if one.shop_domain == domain and topic in {"", one.topic}
        ]

    def wait_for_webhooks(self) -> None:
        """Wait until nothing in the outbox is waiting for the app."""
        deadline = time.monotonic() + WAIT_SECONDS
        while any(
            one.status is DeliveryStatus.WAITING for one in self.fake.store.copy().deliveries
        ):
            assert time.monotonic() < deadline, "The app did not take a webhook."
            time.sleep(0.02)

    def admin_api(
        self, document: str, access_token: str, handle: str = DEMO, **variables: Any
    ) -> requests.Response:
        """One request to the Admin API, as any client would make it."""
        return requests.post(
            f"{self.url}/shops/{handle}.myshopify.com/admin/api/2026-10/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": access_token},
            timeout=20,
        )


@pytest.fixture(scope="session")
def demo_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Quickly drawn pictures under the names and in the sizes of the demo store's photos."""
    folder = tmp_path_factory.mktemp("demo_photos")
    for product in demo_products():
        for photo in product.photos:
            picture = Image.new("RGB", (photo.width, photo.height), "#e8e4dc")
            box = (photo.width // 4, photo.height // 4, photo.width * 3 // 4, photo.height * 3 // 4)
            ImageDraw.Draw(picture).ellipse(box, fill="#2c5cc5")
            picture.save(folder / photo.name)
    return folder


@pytest.fixture
def devstore(settings: Settings, tmp_path: Path, demo_photos: Path) -> Iterator[DevStore]:
    """A fake Shopify on a free port, with the app's settings pointing to it."""
    settings.DATA_DIR = tmp_path
    (tmp_path / "demo_photos").symlink_to(demo_photos)
    server = DevStoreServer(tmp_path / "devstore")
    settings.DEV_STORE = server.fake.base_url
    server.start()
    yield DevStore(server)
    server.stop()
