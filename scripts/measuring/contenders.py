"""What `ledger.spend` is measured against: the ways a Django project usually takes credits.

Each contender opens accounts, and gives every client process a call that takes one credit (or a
batch) from the next account of its list.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from uuid import uuid4

import psycopg
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from scripts.measuring.clients import Call

PLENTY = 900_000_000


def in_turn(accounts: list[int], client: int) -> Callable[[], int]:
    """Walk the accounts in an order of the client's own."""
    order = random.Random(client).sample(accounts, len(accounts))  # noqa: S311 - an order, no secret
    return cycle(order).__next__


class Contender(ABC):
    """One way to take credits; `weight` is how many spends one call makes."""

    name = ""
    weight = 1

    @abstractmethod
    def open_accounts(self, number: int) -> list[int]:
        """Open this many accounts with plenty of credits; returns their ids."""

    @abstractmethod
    def client(self, accounts: list[int], number: int) -> Call:
        """The call of one client process, with a connection of its own."""


class OurLedger(Contender):
    """The full `ledger.spend`: key, lazy reset, both buckets, entry, chain, daily sums."""

    name = "ledger.spend"

    def open_accounts(self, number: int) -> list[int]:
        from credits import ledger  # noqa: PLC0415  Django has to be set up first.

        now = timezone.now()
        accounts = [ledger.open_account(trial=False, now=now).pk for _ in range(number)]
        for account in accounts:
            ledger.start_plan_period(
                account, "scale", now, now + timedelta(days=30), key="cycle", allocation=PLENTY
            )
        return accounts

    def client(self, accounts: list[int], number: int) -> Call:
        from credits import ledger  # noqa: PLC0415  Django has to be set up first.

        following, run = in_turn(accounts, number), uuid4().hex

        def call(turn: int) -> None:
            key = f"{run}:{turn}"
            ledger.spend(following(), 1, key, "image-enhance", reference=key, actor="user:1")

        return call


class OurBatches(OurLedger):
    """`ledger.spend_many` of 50, counted in single spends."""

    name = "ledger.spend_many(50)"
    weight = 50

    def client(self, accounts: list[int], number: int) -> Call:
        from credits import ledger  # noqa: PLC0415  Django has to be set up first.

        following, run = in_turn(accounts, number), uuid4().hex

        def call(turn: int) -> None:
            key = f"{run}:{turn}"
            items = [(1, f"{key}:{n}", "ai-shadowing", f"{key}:{n}") for n in range(self.weight)]
            ledger.spend_many(following(), items, actor="user:1")

        return call


class NaiveDjango(Contender):
    """`select_for_update().get()`, `save()`, `create()`."""

    name = "(a) naive Django"

    def open_accounts(self, number: int) -> list[int]:
        from scripts.measuring.models import NaiveAccount  # noqa: PLC0415  As above.

        accounts = NaiveAccount.objects.bulk_create(NaiveAccount() for _ in range(number))
        return [account.pk for account in accounts]

    def client(self, accounts: list[int], number: int) -> Call:
        from scripts.measuring.models import NaiveAccount, NaiveEntry  # noqa: PLC0415

        following = in_turn(accounts, number)

        def call(_turn: int) -> None:
            with transaction.atomic():
                account = NaiveAccount.objects.select_for_update().get(pk=following())
                account.balance -= 1
                account.save()
                NaiveEntry.objects.create(account=account, amount=-1, balance_after=account.balance)

        return call


class BarePsycopg(NaiveDjango):
    """The same statements on the same tables, prepared, without Django."""

    name = "(b) bare psycopg"

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, accounts: list[int], number: int) -> Call:
        following, bare = in_turn(accounts, number), psycopg.connect(self.url)

        def call(_turn: int) -> None:
            account = following()
            with bare.transaction():
                (balance,) = bare.execute(
                    "SELECT balance FROM measuring_naiveaccount WHERE id = %s FOR UPDATE", [account]
                ).fetchone() or (0,)
                bare.execute(
                    "UPDATE measuring_naiveaccount SET balance = %s WHERE id = %s",
                    [balance - 1, account],
                )
                bare.execute(
                    "INSERT INTO measuring_naiveentry (account_id, amount, balance_after, created_at)"
                    " VALUES (%s, %s, %s, %s) RETURNING id",
                    [account, -1, balance - 1, timezone.now()],
                )

        return call


class Hordak(Contender):
    """django-hordak's `transfer_to()`, from a merchant's account to the house's.

    It locks nothing and checks no balance; its triggers hold debit and credit together.
    """

    name = "(c) django-hordak"

    def open_accounts(self, number: int) -> list[int]:
        from hordak.models import Account  # noqa: PLC0415  Django has to be set up first.

        # Roots of trees of their own, written at once: creating them one by one takes minutes.
        first = (Account.objects.aggregate(last=Max("tree_id"))["last"] or 0) + 1
        roots = [
            Account(
                name=f"Merchant {tree}", code=str(tree), currencies=["EUR"],
                type=Account.TYPES.income, tree_id=tree, lft=1, rght=2, level=0,
            )
            for tree in range(first, first + number)
        ]  # fmt: skip
        return [account.pk for account in Account.objects.bulk_create(roots)]

    def client(self, accounts: list[int], number: int) -> Call:
        from djmoney.money import Money  # noqa: PLC0415  Django has to be set up first.
        from hordak.models import Account  # noqa: PLC0415

        following, one = in_turn(accounts, number), Money(1, "EUR")
        known = {account.pk: account for account in Account.objects.all()}
        house = min(known.values(), key=lambda account: int(account.pk))

        def call(_turn: int) -> None:
            with transaction.atomic():
                known[following()].transfer_to(house, one)

        return call
