"""The time zone of an account's days: one that Python and the database both know."""

from __future__ import annotations

import logging

from django.db import DataError, connection, transaction

from credits.arguments import check_zone
from credits.models import Account
from ecomvance_app import live

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
    """The account's days are those of the store's present zone from now on.

    Days that were booked stay as they are; every instant is shown in the present zone. What is no
    zone changes nothing.
    """
    try:
        zone = usable_zone(name)
    except ValueError:
        return
    changed = Account.objects.filter(pk=account_id).exclude(time_zone=zone).update(time_zone=zone)
    if changed:
        # What open pages say of instants is said in another zone now.
        live.publish(account_id, "balance")
