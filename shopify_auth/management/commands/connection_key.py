"""`manage.py connection_key`: an API key for a store's programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from shopify_auth.models import Shop
from shopify_auth.stores import connections

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Makes or rotates the key of a store's connection; the key before it stops at once."""

    help = "Print a fresh API key (HTTP Basic) for a store, or revoke its keys."

    def add_arguments(self, parser: CommandParser) -> None:
        """The store, and whether its keys shall stop instead."""
        parser.add_argument("shop_domain", metavar="SHOP_DOMAIN")
        parser.add_argument("--revoke", action="store_true", help="stop every key of the store")

    def handle(self, *_args: Any, shop_domain: str, revoke: bool, **_options: Any) -> None:
        """Print key id and secret, one a line; CommandError when the store does not have the app."""
        shop = Shop.objects.filter(
            domain=shop_domain.strip().lower(), state=Shop.State.INSTALLED
        ).first()
        if shop is None or shop.account is None:
            raise CommandError(f"{shop_domain} does not have the app installed.")
        if revoke:
            self.stdout.write(f"Revoked  {connections.revoke_keys(shop)}")
            return
        key = connections.key_for(shop)
        self.stdout.write(f"Key id  {key.key_id}\nSecret  {key.secret}")
