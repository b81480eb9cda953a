from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from credits.ledger import checks
from credits.models import Account, LedgerEntry


class Command(BaseCommand):
    help = "Recompute every account from its entries; exit 1 and a line per account out of step."

    def handle(self, *_args: Any, **_options: Any) -> None:
        problems = list(checks.problems())
        for problem in problems:
            self.stdout.write(problem)
        if problems:
            raise CommandError(f"{len(problems)} found out of step; nothing was changed.")
        accounts, entries = Account.objects.count(), LedgerEntry.objects.count()
        self.stdout.write(f"{accounts} accounts with {entries} entries are in step.")
