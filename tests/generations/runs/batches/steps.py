"""Steps of a batch that its tests share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.storage import default_storage

from credits import queries
from generations import tasks
from generations.models import Batch, BatchItem, Generation
from generations.runs import batches
from generations.runs.batches import progress
from generations.runs.orders import Order, Requester
from tests.generations.mug_store import OneMug
from tests.merchants import Merchant

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EACH = 50


def place(merchant: Merchant, count: int, key: str = "b", **together: Any) -> Batch:
    orders = [Order(batches.TOOL, "1K", product_id=OneMug.mug.id)] * count
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    batch, created = batches.place(requester, orders, key, together=batches.Together(**together))
    assert created
    return batch


def names_kept(batch: Batch) -> set[str]:
    """The files that are kept for items that are not charged."""
    pairs = BatchItem.objects.filter(batch=batch).values_list("file", "preview")
    return {name for pair in pairs for name in pair if name}


def all_files(merchant: Merchant) -> list[str]:
    """Everything of the account in storage, previews included."""
    folder = f"accounts/{merchant.account.pk}"
    return [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]


def asker(merchant: Merchant) -> Requester:
    return Requester(merchant.account.pk, merchant.person.pk, "web")


def work_off(batch: Batch) -> None:
    for pk in Generation.objects.filter(batch=batch).values_list("pk", flat=True):
        tasks.run(generation_id=str(pk))


def standing(batch: Batch) -> progress.Progress:
    return progress.read(Batch.objects.get(pk=batch.pk))


def balance(merchant: Merchant) -> tuple[int, int]:
    now = queries.get_balance(merchant.account.pk)
    return now.plan, now.package


def is_away(*_arguments: object, **_named: object) -> int:
    raise ConnectionRefusedError
