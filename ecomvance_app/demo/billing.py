"""What the demo store pays for in its story: charges on the fake Shopify, brought in line as any.

The fake keeps its state in DATA_DIR, so the charges are there when it is started afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from ecomvance_app.demo.story import Story
from shopify_auth.billing import charges, reconcile
from shopify_auth.demo import DEMO_SHOP
from shopify_auth.devstore import billing as shopify
from shopify_auth.devstore.server import DevStoreServer, address_of
from shopify_auth.devstore.state import Store
from shopify_auth.models import Shop
from shopify_auth.models.charges import Charge


class DevStoreBusyError(RuntimeError):
    """Something listens at DEV_STORE already; a fake that runs would not see the story's charges."""

    def __init__(self) -> None:
        super().__init__(f"{settings.DEV_STORE} is in use: end scripts/run, then start it again.")


class DemoBilling:
    """The merchant of the demo store at the counter and in Shopify's admin, on the story's time."""

    def __init__(self, story: Story, store: Store) -> None:
        self._story = story
        self._store = store
        self._shop = Shop.objects.get(domain=DEMO_SHOP)
        self._handle = DEMO_SHOP.removesuffix(".myshopify.com")

    def subscribe(self, plan: str) -> None:
        """Choose a plan and approve it."""
        self._approve(charges.subscribe(self._buyer(), plan))

    def buy(self, package: str) -> None:
        """Choose a package and approve it."""
        self._approve(charges.buy_package(self._buyer(), package))

    def cancel(self) -> None:
        """Cancel the plan inside the app: what was granted stays to its period's end."""
        charges.cancel_subscription(self._shop, self._story.now)

    def leave_unpaid(self) -> None:
        """Let the next renewal fail: the subscription is frozen then."""
        with self._store.change() as state:
            state.shops[self._handle].misbehaviour.renewal_unpaid = 1

    def reconcile_charges(self) -> None:
        """Compare with Shopify, as the schedule does."""
        reconcile.reconcile_charges(self._shop, now=self._story.now)

    def _buyer(self) -> charges.Buyer:
        cast = self._story.cast
        return charges.Buyer(self._shop, cast.account, cast.owner, "web", self._story.now)

    def _approve(self, row: Charge) -> None:
        with self._store.change() as state:
            shop = state.shops[self._handle]
            charge = next(charge for charge in shop.charges if charge.gid == row.gid)
            shopify.approve(state, shop, charge, self._story.now)
        self.reconcile_charges()


@contextmanager
def demo_billing(story: Story) -> Iterator[DemoBilling]:
    """The demo store's billing, with the fake Shopify answering at DEV_STORE meanwhile.

    Raises DevStoreBusyError when something listens there.
    """
    host, port = address_of(settings.DEV_STORE)
    try:
        server = DevStoreServer(Path(settings.DATA_DIR) / "devstore", port, host)
    except OSError:
        raise DevStoreBusyError from None
    server.start()
    try:
        yield DemoBilling(story, server.fake.store)
    finally:
        server.stop()
