"""Three first, resume, retry, pause and cancel: what the API answers, charges and refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credits import ledger
from credits.accounts import limits
from credits.models import LedgerEntry
from generations.models import Batch, BatchItem, Generation
from tests.api.requests import assert_refused
from tests.api.storefront import MUG
from tests.merchants import ApiMerchant

COUNTS = ("uncharged", "waiting", "running", "succeeded", "failed", "cancelled")
EACH = 50

pytestmark = pytest.mark.usefixtures("shadowing")


@pytest.fixture
def olivia(owner: ApiMerchant) -> ApiMerchant:
    """Olivia, who can pay for more than a batch."""
    ledger.add_package(owner.account.pk, 5000, "pkg")
    return owner


def place(merchant: ApiMerchant, count: int = 5, key: str = "b1", **more: Any) -> dict[str, Any]:
    body = {"resolution": "1K", "items": [{"product_id": MUG}] * count, "sample": True} | more
    answer = merchant.post("batches", body, key)
    assert answer.status_code == 201, answer.content
    return counted(answer.json())


def counted(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch, whose counts must add up."""
    assert sum(batch[name] for name in COUNTS) == batch["total"]
    return batch


def ask(
    merchant: ApiMerchant, batch: dict[str, Any], verb: str, key: str | None = "v1", **body: Any
) -> Any:
    return merchant.post(f"batches/{batch['id']}/{verb}", body or "", key)


def done(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    return counted(answer.json())


def end(batch: dict[str, Any], state: str = "succeeded", count: int = 50) -> None:
    """Let so many of the batch's runs that wait come to an end."""
    waiting = Generation.objects.filter(batch_id=batch["id"], state="queued")
    some = list(waiting.order_by("batch_item__position").values_list("pk", flat=True)[:count])
    outcome = "delivered" if state == "succeeded" else "provider_error"
    ended = Generation.objects.filter(pk__in=some)
    ended.update(state=state, outcome=outcome, finished_at=timezone.now())


class TestThreeFirst:
    def test_charges_three_and_keeps_the_others(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5)

        assert (batch["state"], batch["total"], batch["uncharged"]) == ("sample", 5, 2)
        assert (batch["cost"], batch["remaining_cost"]) == (150, 100)
        assert len(batch["generations"]) == 3
        assert olivia.holdings[:3] == (4950, 5, 3)
        assert done(olivia.get(f"batches/{batch['id']}")) == batch

    def test_is_off_for_three_or_fewer(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 3)

        assert (batch["state"], batch["uncharged"]) == ("running", 0)

    def test_the_others_run_with_exactly_those_settings(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5, options={"angle": -20})

        after = done(ask(olivia, batch, "resume"))

        assert (after["state"], after["uncharged"], after["waiting"]) == ("running", 0, 5)
        assert (after["cost"], after["remaining_cost"]) == (250, 0)
        assert {run.options["angle"] for run in Generation.objects.all()} == {-20}
        assert [run["id"] for run in after["generations"][:3]] == [
            run["id"] for run in batch["generations"]
        ]
        assert olivia.holdings[0] == 4850
        assert not BatchItem.objects.exclude(file="").exists()

    def test_another_request_under_the_key_is_refused(self, olivia: ApiMerchant) -> None:
        place(olivia, 5)
        body = {"resolution": "1K", "items": [{"product_id": MUG}] * 5}

        assert_refused(olivia.post("batches", body, "b1"), 409, "idempotency_key_conflict")


class TestResume:
    def test_takes_so_many_as_are_asked_for(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 8)

        after = done(ask(olivia, batch, "resume", count=2))

        assert (after["uncharged"], after["cost"]) == (3, 250)

    def test_is_once_for_a_key(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 8)
        done(ask(olivia, batch, "resume", "k", count=2))
        done(ask(olivia, batch, "resume", "k", count=2))
        assert olivia.holdings[0] == 5100 - 5 * EACH

        refused = ask(olivia, batch, "resume", "k", count=3)
        assert_refused(refused, 409, "idempotency_key_conflict")
        refused = ask(olivia, batch, "retry", "k")
        assert_refused(refused, 409, "idempotency_key_conflict")
        assert olivia.holdings[0] == 5100 - 5 * EACH

    def test_charges_nothing_that_is_charged_already(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5)
        done(ask(olivia, batch, "resume", "k1"))
        done(ask(olivia, batch, "resume", "k2"))

        assert olivia.holdings[0] == 5100 - 5 * EACH

    def test_says_how_many_can_be_run(self, owner: ApiMerchant) -> None:
        ledger.add_package(owner.account.pk, 190, "pkg")
        batch = place(owner, 8)
        before = owner.holdings

        body = assert_refused(ask(owner, batch, "resume"), 402, "insufficient_credits")

        assert (body["needed"], body["available"], body["runnable"]) == (250, 140, 2)
        assert owner.holdings == before
        after = done(ask(owner, batch, "resume", "v2", count=body["runnable"]))
        assert (after["uncharged"], owner.holdings[0]) == (3, 40)

    def test_refuses_a_higher_price_than_was_shown(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5)

        refused = assert_refused(ask(olivia, batch, "resume", max_credits=99), 409, "price_changed")

        assert refused["credits"] == 100
        assert olivia.holdings[0] == 4950

    def test_asks_for_approval_above_the_limit(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 6)
        limits.set_limit(olivia.account.pk, 149)

        assert_refused(ask(olivia, batch, "resume"), 403, "approval_required")
        assert olivia.holdings[0] == 4950

    def test_needs_a_key(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5)

        assert_refused(ask(olivia, batch, "resume", None), 422, "invalid_request")
        assert_refused(ask(olivia, batch, "retry", None), 422, "invalid_request")

    @pytest.mark.parametrize("count", [0, 51, "two"])
    def test_refuses_other_counts(self, olivia: ApiMerchant, count: Any) -> None:
        batch = place(olivia, 5)

        assert_refused(ask(olivia, batch, "resume", count=count), 422, "invalid_request")

    def test_the_price_holds_for_a_day(self, olivia: ApiMerchant) -> None:
        # As if the batch had been made when an item cost less.
        batch = place(olivia, 5)
        Batch.objects.update(price=30)
        assert done(olivia.get(f"batches/{batch['id']}"))["remaining_cost"] == 60

        done(ask(olivia, batch, "resume", "v1", count=1))
        Batch.objects.update(priced_at=timezone.now() - timedelta(hours=24, seconds=1))
        done(ask(olivia, batch, "resume", "v2", count=1))

        spends = LedgerEntry.objects.filter(kind="spend").order_by("sequence")
        assert [spend.plan_delta + spend.package_delta for spend in spends][-2:] == [-30, -50]


class TestRetry:
    def test_charges_the_failed_ones_again_and_no_others(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5, sample=False)
        end(batch, "failed", 2)
        end(batch)

        after = done(ask(olivia, batch, "retry", max_credits=100))

        assert (after["state"], after["waiting"], after["succeeded"]) == ("running", 2, 3)
        assert (after["total"], after["cost"]) == (5, 350)
        assert olivia.holdings[0] == 5100 - 7 * EACH
        # The new runs take the failed ones' places.
        old, new = ([run["id"] for run in shown["generations"]] for shown in (batch, after))
        assert [one == other for one, other in zip(old, new, strict=True)] == [
            False, False, True, True, True,
        ]  # fmt: skip

    def test_is_once_whatever_the_key(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 4, sample=False)
        end(batch, "failed")
        for key in ("v1", "v1", "v2"):
            done(ask(olivia, batch, "retry", key))

        assert olivia.holdings[0] == 5100 - 8 * EACH
        end(batch, "failed")
        done(ask(olivia, batch, "retry", "v1"))
        assert olivia.holdings[0] == 5100 - 8 * EACH
        done(ask(olivia, batch, "retry", "v3"))
        assert olivia.holdings[0] == 5100 - 12 * EACH

    def test_takes_all_of_them_or_none(self, owner: ApiMerchant) -> None:
        ledger.add_package(owner.account.pk, 150, "pkg")
        batch = place(owner, 4, sample=False)
        ledger.spend(owner.account.pk, 1, "other")
        end(batch, "failed")
        before = owner.holdings

        body = assert_refused(ask(owner, batch, "retry"), 402, "insufficient_credits")

        assert (body["needed"], body["available"], body["runnable"]) == (200, 49, 0)
        assert owner.holdings == before

    def test_has_files_of_its_own(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 1)
        end(batch, "failed")
        files = olivia.holdings[3]

        after = done(ask(olivia, batch, "retry"))

        assert olivia.holdings[3] == 2 * files
        run = after["generations"][0]["id"]
        assert Generation.objects.get(pk=run).pictures.get().width == 311

    def test_a_batch_that_ended_while_it_was_paused_runs_at_once(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 2)
        done(ask(olivia, batch, "pause"))
        end(batch, "failed")
        assert done(olivia.get(f"batches/{batch['id']}"))["state"] == "finished"

        assert done(ask(olivia, batch, "retry"))["state"] == "running"


class TestPauseAndCancel:
    def test_pausing_and_going_on_charges_nothing(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5)
        before = olivia.holdings

        paused = done(ask(olivia, batch, "pause"))
        assert (paused["state"], paused["waiting"]) == ("paused", 3)
        assert done(ask(olivia, batch, "pause")) == paused

        gone_on = done(ask(olivia, batch, "resume"))
        assert (gone_on["state"], gone_on["uncharged"]) == ("sample", 2)
        assert olivia.holdings == before

    def test_cancelling_gives_back_what_waits(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 5)
        end(batch, count=1)

        after = done(ask(olivia, batch, "cancel"))

        assert (after["state"], after["cancelled"], after["uncharged"]) == ("cancelled", 2, 2)
        assert (after["succeeded"], after["remaining_cost"]) == (1, 0)
        assert olivia.holdings[0] == 5100 - EACH
        assert not BatchItem.objects.exclude(file="").exists()
        for verb in ("resume", "retry", "pause", "cancel"):
            assert_refused(ask(olivia, batch, verb), 409, "already_final")
        assert olivia.holdings[0] == 5100 - EACH

    def test_a_finished_batch_is_final_but_for_retry(self, olivia: ApiMerchant) -> None:
        batch = place(olivia, 3)
        end(batch)

        for verb in ("resume", "pause", "cancel"):
            assert_refused(ask(olivia, batch, verb), 409, "already_final")
        assert done(ask(olivia, batch, "retry"))["state"] == "finished"


def test_a_new_batch_says_how_many_can_be_run(owner: ApiMerchant) -> None:
    body = {"resolution": "1K", "items": [{"product_id": MUG}] * 3}
    before = owner.holdings

    refused = assert_refused(owner.post("batches", body), 402, "insufficient_credits")

    assert refused["runnable"] == 2
    assert_refused(owner.post("batches", body | {"max_credits": 149}), 409, "price_changed")
    assert owner.holdings == before


def test_a_photo_can_be_named_for_each_product(olivia: ApiMerchant) -> None:
    items = [{"product_id": MUG}, {"product_id": MUG, "photo_id": "12"}]
    batch = place(olivia, items=items)

    runs = Generation.objects.filter(batch_id=batch["id"]).order_by("batch_item__position")
    assert [run.pictures.get().width for run in runs] == [311, 312]


def test_counts_stay_when_a_result_is_deleted(olivia: ApiMerchant) -> None:
    batch = place(olivia, 2)
    end(batch)
    run = batch["generations"][0]["id"]
    olivia.client.delete(f"/api/v1/generations/{run}", headers=olivia.headers)

    after = done(olivia.get(f"batches/{batch['id']}"))

    assert (after["succeeded"], len(after["generations"])) == (2, 1)


def test_a_batch_of_an_older_release_is_found_by_its_key(olivia: ApiMerchant) -> None:
    batch = place(olivia, 2, sample=False)
    # As it was stored before batches had rows.
    Generation.objects.update(batch=None)
    BatchItem.objects.all().delete()
    Batch.objects.all().delete()
    before = olivia.holdings
    body = {"resolution": "1K", "items": [{"product_id": MUG}] * 2, "sample": False}

    again = olivia.post("batches", body, "b1")

    assert again.status_code == 200
    assert counted(again.json()) == batch
    assert olivia.holdings == before
    assert_refused(
        olivia.post("batches", body | {"prompt": "x"}, "b1"), 409, "idempotency_key_conflict"
    )
