"""`manage.py createsuperuser`: Django's own, which then prints the way to the second factor."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from shopify_auth.identity.staff_door import LINK_SECONDS, link_for
from shopify_auth.models import Person


class Command(createsuperuser.Command):
    """Makes a superuser with a confirmed address."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the person, then print the link."""
        newest = Person.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        super().handle(*args, **options)
        for person in Person.objects.filter(pk__gt=newest, is_superuser=True):
            hours = LINK_SECONDS // 3600
            self.stdout.write(f"Second factor (for {hours} hours): {link_for(person)}")
