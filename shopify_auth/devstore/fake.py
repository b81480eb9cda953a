"""One running fake Shopify: its address, its state and its courier, handed to every view."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404

from shopify_auth.devstore.admin_api.throttle import Bucket
from shopify_auth.devstore.courier import Courier
from shopify_auth.devstore.state import Shop, State, Store


@dataclass
class FakeShopify:
    """`base_url` is the fake's own origin, `folder` the place of its state and uploads."""

    base_url: str
    folder: Path
    store: Store = field(init=False)
    courier: Courier = field(init=False)
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(self.folder / "state.json", settings.SHOPIFY_SCOPES)
        self.courier = Courier(self.store)

    def admin_url(self, shop: Shop) -> str:
        """Where the shop's admin is, as the decoded `host` parameter says it, with scheme."""
        return f"{self.base_url}/store/{shop.handle}"

    def app_url(self, shop: Shop) -> str:
        """The app's place inside the shop's admin."""
        return f"{self.admin_url(shop)}/apps/{settings.SHOPIFY_API_KEY}"

    def bucket(self, shop: Shop) -> Bucket:
        """The shop's rate-limit bucket for this app."""
        return self.buckets.setdefault(shop.handle, Bucket())


class FakeRequest(WSGIRequest):
    """A request to the fake Shopify."""

    fake: FakeShopify


def shop_by_domain(state: State, domain: str) -> Shop:
    """The shop with this permanent domain; Http404 when there is none."""
    return shop_by_handle(state, domain.removesuffix(".myshopify.com"))


def shop_by_handle(state: State, handle: str) -> Shop:
    """The shop with this handle; Http404 when there is none."""
    shop = state.shops.get(handle)
    if shop is None:
        raise Http404("There is no such store.")
    return shop
