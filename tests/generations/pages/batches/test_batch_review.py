"""Reviewing a batch: accept and reject, the zip, the CSV, and whose results they are."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from generations import tasks
from generations.engines.base import ProviderError
from generations.models import Batch, BatchItem, Generation
from tests.generations.engine import Engine
from tests.generations.pages.batches.test_batches import (
    HTMX,
    LIST,
    made,
    olivia,
    shadowing,
    work_off,
)
from tests.merchants import Merchant, make_merchant
from tests.page_reading import attribute, every, read_page, words

__all__ = ["olivia", "shadowing"]


@pytest.fixture
def batch(olivia: Merchant) -> Batch:
    """A batch of three, all of them ready."""
    batch = made(olivia, uploads=3)
    work_off(batch)
    return batch


def runs_of(batch: Batch) -> list[str]:
    items = BatchItem.objects.filter(batch=batch).order_by("position")
    return [str(pk) for pk in items.values_list("run", flat=True)]


def post(merchant: Merchant, batch: Batch, **form: Any) -> Any:
    return merchant.client.post(f"{LIST}/{batch.pk}/review", form, headers=HTMX)


def reviews(batch: Batch) -> list[str]:
    items = BatchItem.objects.filter(batch=batch).order_by("position")
    return list(items.values_list("run__review", flat=True))


def test_shows_each_result_beside_what_it_was_made_from(olivia: Merchant, batch: Batch) -> None:
    page = read_page(olivia.client.get(f"{LIST}/{batch.pk}/review"))

    shown = [attribute(box, "value") for box in every(page, "input", name="run")]
    assert shown == runs_of(batch)
    cards = list(every(page, "li", class_="batch-review__card"))
    assert [len(list(every(card, "img"))) for card in cards] == [2, 2, 2]
    assert "0 of 3 results reviewed" in words(page)


def test_one_press_is_for_one_result(olivia: Merchant, batch: Batch) -> None:
    first, second, _third = runs_of(batch)

    post(olivia, batch, one=f"accepted {first}", run=[second])
    answer = post(olivia, batch, one=f"rejected {second}")

    assert reviews(batch) == ["accepted", "rejected", ""]
    assert "2 of 3 results reviewed" in words(read_page(answer))
    assert "Review · 1 to go" in words(read_page(olivia.client.get(f"{LIST}/{batch.pk}")))
    gallery = read_page(olivia.client.get("/dashboard/gallery?view=review"))
    assert len(list(every(gallery, "input", name="run"))) == 1


def test_many_are_reviewed_at_once(olivia: Merchant, batch: Batch) -> None:
    post(olivia, batch, act="accepted", run=runs_of(batch))

    assert reviews(batch) == ["accepted"] * 3


def test_of_two_tabs_the_last_word_counts(olivia: Merchant, batch: Batch) -> None:
    run = runs_of(batch)[0]
    post(olivia, batch, one=f"accepted {run}")
    post(olivia, batch, one=f"rejected {run}")

    assert reviews(batch)[0] == "rejected"


@pytest.mark.parametrize("form", [{}, {"act": "sold"}, {"one": "accepted nobody"}, {"run": "x"}])
def test_anything_else_changes_nothing(olivia: Merchant, batch: Batch, form: Any) -> None:
    assert post(olivia, batch, **form).status_code == 200
    assert reviews(batch) == [""] * 3


def test_a_run_outside_the_batch_is_not_reviewed(olivia: Merchant, batch: Batch) -> None:
    other = made(olivia, uploads=1, key="other")
    work_off(other)

    post(olivia, batch, act="accepted", run=runs_of(other))

    assert reviews(other) == [""]


def test_the_zip_has_the_chosen_results(olivia: Merchant, batch: Batch) -> None:
    answer = post(olivia, batch, act="zip", run=runs_of(batch)[:2])

    link = re.search(r'href="([^"]+)"', answer.text)
    assert link
    packed = olivia.client.get(link[1]).getvalue()
    assert len(zipfile.ZipFile(io.BytesIO(packed)).namelist()) == 2


def test_another_accounts_batch_is_not_found(olivia: Merchant, batch: Batch) -> None:
    sam = make_merchant("Sam")

    assert sam.client.get(f"{LIST}/{batch.pk}/review").status_code == 404
    assert sam.client.get(f"{LIST}/{batch.pk}/csv").status_code == 404
    assert post(sam, batch, act="accepted", run=runs_of(batch)).status_code == 404
    assert reviews(batch) == [""] * 3


def test_the_csv_has_every_item_with_its_credits(olivia: Merchant, shadowing: Engine) -> None:
    batch = made(olivia, uploads=4, three_first="on")
    first, *_others = Generation.objects.filter(batch=batch).order_by("batch_item__position")
    shadowing.error = ProviderError("=cmd()")
    tasks.run(generation_id=str(first.pk))
    BatchItem.objects.filter(batch=batch, position=1).update(title="=1+1")

    redirect = olivia.client.get(f"{LIST}/{batch.pk}/csv")
    text = olivia.client.get(redirect["Location"]).content.decode("utf-8-sig")

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["state"] for row in rows] == ["failed", "queued", "queued", "not_charged"]
    assert [row["credits"] for row in rows] == ["50", "50", "50", "0"]
    assert [row["plan_part"] for row in rows] == ["50", "50", "0", "0"]
    # No spreadsheet takes a text for a formula.
    assert (rows[0]["product_title"], rows[0]["reason"]) == ("'=1+1", "'=cmd()")


def test_a_forged_link_to_a_csv_is_not_found(olivia: Merchant, batch: Batch, time_machine) -> None:
    link = olivia.client.get(f"{LIST}/{batch.pk}/csv")["Location"]

    assert olivia.client.get(f"{link}x").status_code == 404
    time_machine.move_to(timezone.now() + timedelta(minutes=15, seconds=2))
    assert olivia.client.get(link).status_code == 410
