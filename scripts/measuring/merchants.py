"""Merchants with many runs, for benchmarks of pages; import it once Django is set up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.test import Client
from django.utils import timezone

from credits import ledger
from credits.periods import BILLING_CYCLE
from generations.models import Generation
from shopify_auth.models import Membership, Person

LIFE_DAYS = 85
PRICE = 50
TOOLS = ("background-removal", "image-enhance", "product-placement", "ai-shadowing")


def make_merchant(runs: int) -> Client:
    """A signed-in merchant on a plan whose account has this many runs, spread over three periods."""
    person = Person.objects.create_user(f"merchant-{runs}@example.com", name="Merchant")
    account_id = _fill_account(person.pk, runs)
    Membership.objects.create(person=person, account_id=account_id)
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return client


def _fill_account(person_id: int, runs: int) -> int:
    opened = timezone.now() - timedelta(days=LIFE_DAYS)
    account = ledger.open_account(f"{runs} runs", trial=False, now=opened, time_zone="Europe/Paris")
    ledger.add_package(account.pk, PRICE * runs, key="package", now=opened)
    chunk, cycle = max(1, runs // LIFE_DAYS), -1
    for first in range(0, runs, chunk):
        now = opened + timedelta(days=LIFE_DAYS) * first / runs
        if (now - opened) // BILLING_CYCLE > cycle:
            cycle += 1
            _start_cycle(account.pk, opened + cycle * BILLING_CYCLE, allocation=PRICE * runs)
        numbers = range(first, min(first + chunk, runs))
        items = [(PRICE, f"run-{n}", TOOLS[n % len(TOOLS)], "") for n in numbers]
        spends = ledger.spend_many(account.pk, items, now=now, actor=f"user:{person_id}")
        Generation.objects.bulk_create(
            Generation(
                account=account, key=spend.key, tool=spend.tool, price=PRICE, spend=spend,
                requested_by_id=person_id, surface="web", state="succeeded", outcome="delivered",
                engine="local", enqueued_at=now, created_at=now, finished_at=now,
            )
            for spend in spends
        )  # fmt: skip
    return int(account.pk)


def _start_cycle(account_id: int, start: datetime, allocation: int) -> None:
    ledger.start_plan_period(
        account_id, "scale", start, start + BILLING_CYCLE, key=f"cycle-{start.isoformat()}",
        allocation=allocation, now=start,
    )  # fmt: skip
