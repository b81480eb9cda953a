"""The time zone of an account's days: one that Python and the database both know."""

from __future__ import annotations

import logging

from django.db import DataError, connection, transaction

from credits.arguments import check_zone

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
