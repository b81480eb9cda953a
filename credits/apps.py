from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

from credits import append_only, statements


class CreditsConfig(AppConfig):
    name = "credits"

    def ready(self) -> None:
        pre_migrate.connect(append_only.before_migrate, sender=self)
        # SQLite drops triggers when a migration rebuilds a table, so they are laid after each one.
        post_migrate.connect(append_only.after_migrate, sender=self)
        post_migrate.connect(statements.install, sender=self)
