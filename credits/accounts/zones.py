"""The time zone of an account's days: the store's, or one that the merchant chose instead.

Entries keep the day that they were booked on; a new zone counts from the next one on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DataError, connection, transaction
from django.db.models import F

from credits.arguments import check_zone
from credits.models import Account
from ecomvance_app import live

# Whether a store is behind an account; the ledger knows no stores.
HasStore = Callable[[Account], bool]

logger = logging.getLogger(__name__)


def usable_zone(name: object) -> str:
    """The IANA zone of this name, or UTC where the database does not know it.

    Python's tz database may be the newer one, and PostgreSQL would refuse every spend of an account
    in a zone that it does not have. Raises ValueError for what is no zone to Python either.
    """
    zone = check_zone(name)
    if connection.vendor == "postgresql":
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT now() AT TIME ZONE %s", [zone])
        except DataError:
            logger.warning("The database does not know the time zone %s; days are UTC's", zone)
            return "UTC"
    return zone


def zone_of(name: object) -> str:
    """The zone that a store names, or UTC where it names none that can be used."""
    try:
        return usable_zone(name)
    except ValueError:
        return "UTC"


def follow_store(account_id: int, name: object) -> None:
    """The account's days are those of the store's present zone, unless the merchant has chosen one.

    Days that were booked stay as they are; every instant is shown in the present zone. What is no
    zone changes nothing.
    """
    try:
        zone = usable_zone(name)
    except ValueError:
        return
    account = Account.objects.filter(pk=account_id)
    account.exclude(store_time_zone=zone).update(store_time_zone=zone)
    if account.filter(time_zone_chosen=False).exclude(time_zone=zone).update(time_zone=zone):
        # What open pages say of instants is said in another zone now.
        live.publish(account_id, "balance")


def choose(account_id: int, zone: str) -> None:
    """Take this zone whatever the store says. ValueError for what is no zone."""
    zone = usable_zone(zone)
    account = Account.objects.filter(pk=account_id)
    # An account that was followed before the store's zone was kept beside.
    account.filter(time_zone_chosen=False, store_time_zone="").update(
        store_time_zone=F("time_zone")
    )
    account.update(time_zone=zone, time_zone_chosen=True)
    live.publish(account_id, "balance")


def stop_choosing(account_id: int) -> None:
    """Follow the store again, at once: in its zone as last read."""
    account = Account.objects.filter(pk=account_id)
    account.update(time_zone_chosen=False)
    if account.exclude(store_time_zone="").update(time_zone=F("store_time_zone")):
        live.publish(account_id, "balance")
