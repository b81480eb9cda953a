"""Batches of AI Shadowing: all of the items or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from credits import ledger
from credits.models import LedgerEntry
from generations.models import Generation
from generations.runs import batches
from tests.api.requests import assert_refused
from tests.api.storefront import LAMP, MUG
from tests.generations import sample_pictures as samples
from tests.merchants import ApiMerchant


def shadows(count: int, product_id: str = MUG) -> dict[str, Any]:
    return {"resolution": "1K", "items": [{"product_id": product_id}] * count}


def spent(merchant: ApiMerchant) -> list[str]:
    entries = LedgerEntry.objects.filter(account=merchant.account, kind="spend")
    return list(entries.order_by("sequence").values_list("key", flat=True))


def test_cannot_be_started_without_an_engine(owner: ApiMerchant) -> None:
    ledger.add_package(owner.account.pk, 500, "pkg")
    before = owner.holdings

    assert_refused(owner.post("batches", shadows(3)), 422, "tool_unavailable")
    assert owner.holdings == before


@pytest.mark.usefixtures("shadowing")
class TestWithAnEngine:
    def test_charges_each_item_on_its_own(self, owner: ApiMerchant) -> None:
        ledger.add_package(owner.account.pk, 500, "pkg")

        answer = owner.post("batches", shadows(3), key="b1")

        assert answer.status_code == 201
        runs = answer.json()["generations"]
        assert [(run["state"], run["cost"]) for run in runs] == [("queued", 50)] * 3
        assert [run["split"]["package"] for run in runs] == [0, 0, 50]
        assert spent(owner) == [f"run:{run['id']}" for run in runs]
        assert owner.holdings[0] == 450

    def test_takes_uploads(self, owner: ApiMerchant) -> None:
        pictures = [
            SimpleUploadedFile("a.png", samples.encoded(samples.quarters(side, 300), "PNG"))
            for side in (300, 310)
        ]

        answer = owner.post_form("batches", {"resolution": "1K", "image": pictures})

        assert answer.status_code == 201
        widths = [
            Generation.objects.get(pk=run["id"]).pictures.get().width
            for run in answer.json()["generations"]
        ]
        assert widths == [300, 310]

    def test_is_one_batch_for_a_repeated_key(self, owner: ApiMerchant) -> None:
        first, second = owner.post("batches", shadows(2)), owner.post("batches", shadows(2))

        assert (first.status_code, second.status_code) == (201, 200)
        assert [run["id"] for run in first.json()["generations"]] == [
            run["id"] for run in second.json()["generations"]
        ]
        assert owner.holdings == (0, 3, 2, 4)

    @pytest.mark.parametrize("other", [shadows(1), shadows(3), shadows(2) | {"prompt": "soft"}])
    def test_refuses_a_key_that_was_used_for_another_batch(
        self, owner: ApiMerchant, other: dict[str, Any]
    ) -> None:
        owner.post("batches", shadows(2))
        before = owner.holdings

        assert_refused(owner.post("batches", other), 409, "idempotency_key_conflict")
        assert owner.holdings == before

    def test_takes_all_or_nothing(self, owner: ApiMerchant) -> None:
        before = owner.holdings

        body = assert_refused(owner.post("batches", shadows(3)), 402, "insufficient_credits")

        assert (body["needed"], body["available"], body["short_by"]) == (150, 100, 50)
        assert owner.holdings == before

    def test_stores_nothing_when_one_product_is_unknown(self, owner: ApiMerchant) -> None:
        before = owner.holdings
        body = shadows(1) | {"items": [{"product_id": MUG}, {"product_id": LAMP}]}

        assert_refused(owner.post("batches", body), 404, "unknown_product")
        assert owner.holdings == before

    @pytest.mark.parametrize("count", [0, 51])
    def test_has_one_to_fifty_items(self, owner: ApiMerchant, count: int) -> None:
        before = owner.holdings

        assert_refused(owner.post("batches", shadows(count)), 422, "invalid_request")
        assert_refused(owner.post_form("batches", {"resolution": "1K"}), 422, "batch_size")
        assert owner.holdings == before

    def test_takes_fifty_items(self, owner: ApiMerchant) -> None:
        ledger.add_package(owner.account.pk, 2400, "pkg")

        answer = owner.post("batches", shadows(50))

        assert len(answer.json()["generations"]) == 50
        assert owner.holdings[0] == 0


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shadowing")
def test_is_charged_once_when_sent_twice_at_once(owner: ApiMerchant) -> None:
    ledger.add_package(owner.account.pk, 500, "pkg")

    def send(_n: int) -> int:
        try:
            return int(owner.post("batches", shadows(3), key="b1").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(send, range(4)))

    assert statuses == [200, 200, 200, 201]
    batch = batches.find_by_key(owner.account.pk, "b1")
    assert spent(owner) == [f"run:{run.pk}" for run in batch]
    assert len(batch) == 3
    assert owner.holdings == (450, 5, 3, 6)
