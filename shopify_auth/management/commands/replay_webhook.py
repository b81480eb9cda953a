"""`manage.py replay_webhook`: have stored webhooks handled once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from credits import staff_acts
from shopify_auth.models import WebhookDelivery
from shopify_auth.webhooks import inbox

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Hands deliveries to a worker again, by their X-Shopify-Webhook-Id."""

    help = "Have stored webhook deliveries handled once more."

    def add_arguments(self, parser: CommandParser) -> None:
        """One or more ids, as the staff admin shows them."""
        parser.add_argument("webhook_id", nargs="+")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print how many; CommandError for an id that is unknown or names no store (any more)."""
        wanted = set(options["webhook_id"])
        deliveries = WebhookDelivery.objects.filter(webhook_id__in=wanted).exclude(subject="")
        missing = wanted - set(deliveries.values_list("webhook_id", flat=True))
        if missing:
            raise CommandError(f"Unknown, or naming no store: {', '.join(sorted(missing))}")
        staff_acts.record_all(None, "webhook replayed", deliveries)
        self.stdout.write(f"{inbox.replay(deliveries)} to be handled again")
