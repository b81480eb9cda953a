"""Merchants with many runs, for benchmarks of pages; import it once Django is set up."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from credits import ledger
from generations.models import Generation
from shopify_auth.models import Membership, Person


def make_merchant(runs: int) -> Client:
    """A signed-in merchant whose account has this many runs, spread over three months."""
    person = Person.objects.create_user(f"merchant-{runs}@example.com", name="Merchant")
    account_id = _fill_account(person.pk, runs)
    Membership.objects.create(person=person, account_id=account_id)
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return client


def _fill_account(person_id: int, runs: int) -> int:
    opened = timezone.now() - timedelta(days=90)
    account = ledger.open_account(f"{runs} runs", trial=False, now=opened, time_zone="Europe/Paris")
    ledger.add_package(account.pk, 100 * runs, key="package", now=opened)
    tools = ("background-removal", "image-enhance", "product-placement", "ai-shadowing")
    chunk = max(1, runs // 90)
    for first in range(0, runs, chunk):
        now = opened + timedelta(days=90 * first / runs)
        numbers = range(first, min(first + chunk, runs))
        items = [(50, f"run-{n}", tools[n % 4], "") for n in numbers]
        spends = ledger.spend_many(account.pk, items, now=now, actor=f"user:{person_id}")
        Generation.objects.bulk_create(
            Generation(
                account=account, key=spend.key, tool=spend.tool, price=50, spend=spend,
                requested_by_id=person_id, surface="web", state="succeeded", outcome="delivered",
                engine="local", enqueued_at=now, created_at=now, finished_at=now,
            )
            for spend in spends
        )  # fmt: skip
    return int(account.pk)
