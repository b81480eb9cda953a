from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CreditsConfig(AppConfig):
    name = "credits"

    def ready(self) -> None:
        # The ledger reads models, which are there from now on.
        from credits.ledger import fast_spend, triggers

        pre_migrate.connect(triggers.before_migrate, sender=self)
        # SQLite drops triggers when a migration rebuilds a table, so they are laid after each one.
        post_migrate.connect(triggers.after_migrate, sender=self)
        post_migrate.connect(fast_spend.install, sender=self)
