from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credits.ledger import checks
from credits.models import Account


class Command(BaseCommand):
    help = "Recompute every account from its entries; exit 1 and a line per account out of step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--after",
            type=int,
            default=0,
            metavar="ACCOUNT",
            help="go on behind this account, the last one that an interrupted check has named",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        accounts = Account.objects.filter(pk__gt=options["after"]).count()
        found = read = 0
        for after, last, entries in checks.ranges(options["after"]):
            problems = checks.problems_between(after, last)
            for problem in problems:
                self.stdout.write(problem)
            found, read = found + len(problems), read + entries
            self._tell_progress(last, accounts, read, options["verbosity"])
        if found:
            raise CommandError(f"{found} found out of step; nothing was changed.")
        self.stdout.write(f"{accounts} accounts with {read} entries are in step.")

    def _tell_progress(self, last: int, accounts: int, read: int, verbosity: int) -> None:
        """On the error stream, so that the lines of the problems stay by themselves."""
        if verbosity and accounts > checks.ACCOUNTS_AT_ONCE:
            self.stderr.write(f"Up to account {last}: {read} entries of {accounts} accounts read.")
