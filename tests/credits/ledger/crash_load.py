"""Load for the crash test, a process of its own: spends, and notes each entry it was promised.

Usage: python -m tests.credits.ledger.crash_load ACCOUNT_ID PREFIX FILE. Runs until it is ended. A line
"key sequence" reaches the file only after the ledger has returned the entry.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count

import django
from django.db import DatabaseError, connection
from django.utils import timezone


def main(account_id: int, prefix: str, file: str) -> None:
    """Spend, one and many, by one statement and by the general rule, until ended from outside."""
    from credits import ledger  # noqa: PLC0415  Django has to be set up first.
    from tests.credits.ledger.books import spend_by_general_rule  # noqa: PLC0415

    promised = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in count():
        key = f"{prefix}:{number}"
        entry = None
        while entry is None:  # The same key until an answer comes, as a client does.
            try:
                if number % 3 == 0:
                    entry = ledger.spend(account_id, 1, key, "image-enhance")
                elif number % 3 == 1:
                    (entry,) = ledger.spend_many(account_id, [(1, key, "ai-shadowing")])
                else:
                    (entry,) = spend_by_general_rule(account_id, [(1, key)], timezone.now())
            except DatabaseError:
                connection.close()
                time.sleep(0.02)
        os.write(promised, f"{entry.key} {entry.sequence}\n".encode())


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
