"""`manage.py demo_store`: a store with a merchant to try the product with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from credits import ledger
from credits.accounts import recipients
from ecomvance_app import clock
from shopify_auth.demo import DEMO_SHOP, MERCHANT_EMAIL, PASSWORD, STAFF_EMAIL
from shopify_auth.models import Membership, OfflineToken, Person, Shop

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

DEMO_SHOP_ID = "548380009"


class Command(BaseCommand):
    """Opens the demo store; repeating it changes nothing but the passwords, back to those printed.

    Products are read from the development store's server when a page asks for them, so that it need
    not run now.
    """

    help = "Open the demo store with its merchant and a staff log-in (needs DEBUG)."

    def add_arguments(self, parser: CommandParser) -> None:
        """One option, for a database that was emptied."""
        parser.add_argument(
            "--reset", action="store_true", help="put the fake Shopify and the clock back too"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the log-ins, one a line; CommandError outside development."""
        if not settings.DEBUG:
            raise CommandError("The demo store has known passwords: set DEBUG=on to open it.")
        if options["reset"]:
            (Path(settings.DATA_DIR) / "devstore" / "state.json").unlink(missing_ok=True)
            clock.shift_file().unlink(missing_ok=True)
        with transaction.atomic():
            merchant = _person(MERCHANT_EMAIL, "Dana Demo")
            _person(STAFF_EMAIL, "Sasha Staff", is_staff=True, is_superuser=True)
            _open_shop(merchant)
        self.stdout.write(
            f"Merchant log-in  {MERCHANT_EMAIL}  {PASSWORD}\n"
            f"Staff log-in  {STAFF_EMAIL}  {PASSWORD}"
        )


def _person(email: str, name: str, **fields: bool) -> Person:
    person, _created = Person.objects.update_or_create(
        email=email, defaults={"name": name, "is_active": True, **fields}
    )
    if not person.check_password(PASSWORD):
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    EmailAddress.objects.update_or_create(
        user=person, email=email, defaults={"verified": True, "primary": True}
    )
    return person


def _open_shop(merchant: Person) -> None:
    shop = Shop.objects.filter(domain=DEMO_SHOP).first()
    if shop is None:
        now = clock.now()
        shop = Shop.objects.create(
            domain=DEMO_SHOP,
            name="ecomVance Demo",
            shopify_id=DEMO_SHOP_ID,
            is_development_store=True,
            installed_at=now,
            account=ledger.open_account(
                name="ecomVance Demo", now=now, time_zone="America/New_York"
            ),
        )
        OfflineToken.objects.create(shop=shop)
    member, _created = Membership.objects.get_or_create(person=merchant, account=shop.account)
    recipients.add_confirmed(member.account_id, MERCHANT_EMAIL)
