"""Addresses in small letters, each with one person: the older keeps it, the others are listed."""

import logging
from typing import Any

from django.db import migrations, models
from django.db.models import Q

logger = logging.getLogger(__name__)


def join_spellings(apps: Any, schema_editor: Any) -> None:
    """Of people whose addresses differ by case alone the oldest keeps it, the others are emptied."""
    database = schema_editor.connection.alias
    people = apps.get_model("shopify_auth", "Person").objects.using(database)
    addresses = apps.get_model("account", "EmailAddress").objects.using(database)
    owners: dict[str, int] = {}
    for person in people.exclude(email=None).order_by("date_joined", "pk"):
        address = person.email.strip().lower()
        if owners.setdefault(address, person.pk) != person.pk:
            logger.warning("Person %s has no address any more", person.pk)
            addresses.filter(user_id=person.pk, email__iexact=address).delete()
            people.filter(pk=person.pk).update(email=None, emptied_email=person.email[:254])
    for address, owner in owners.items():
        people.filter(pk=owner).exclude(email=address).update(email=address)
    _join_sign_in_addresses(addresses)


def _join_sign_in_addresses(addresses: Any) -> None:
    """The addresses by which people sign in, spelled as theirs; the confirmed one of several stays."""
    seen: set[tuple[int, str]] = set()
    verified: set[str] = set()
    for row in addresses.order_by("-verified", "-primary", "user__date_joined", "pk"):
        address = row.email.strip().lower()
        if (row.user_id, address) in seen or (row.verified and address in verified):
            row.delete()
            continue
        seen.add((row.user_id, address))
        if row.verified:
            verified.add(address)
        if row.email != address:
            # A row of the same person that is written so already may come later: it goes first.
            same = Q(user_id=row.user_id, email=address)
            if row.verified:
                same |= Q(verified=True, email=address)
            addresses.filter(same).exclude(pk=row.pk).delete()
            addresses.filter(pk=row.pk).update(email=address)


class Migration(migrations.Migration):

    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("shopify_auth", "0008_sign_in_failures"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="emptied_email",
            field=models.EmailField(
                blank=True,
                default="",
                help_text=(
                    "What the address was before somebody older turned out to have it in another"
                    " spelling."
                ),
                max_length=254,
                verbose_name="emptied address",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(join_spellings, migrations.RunPython.noop),
    ]
