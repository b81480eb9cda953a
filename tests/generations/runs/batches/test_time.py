"""What time does to batches: pauses and batches that nobody goes on with end, and nothing is minted.

Every credit is followed through the ledger's own checks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from credits import ledger
from credits.ledger.checks import problems
from generations import tasks
from generations.media import storage
from generations.models import Batch, BatchItem, Generation
from generations.runs import batches, lifecycle
from generations.runs.batches import stopping
from tests.generations.mug_store import stored_files
from tests.generations.runs.batches.steps import (
    DAY,
    EACH,
    START,
    all_files,
    asker,
    balance,
    is_away,
    names_kept,
    place,
    standing,
    work_off,
)
from tests.merchants import Merchant

pytestmark = pytest.mark.usefixtures("quick_engine")


class TestAPause:
    def test_holds_what_waits_and_no_more(self, olivia: Merchant) -> None:
        batch = place(olivia, 3)
        first, *_others = Generation.objects.order_by("batch_item__position")
        begun = lifecycle.start(str(first.pk))
        batches.pause(olivia.account.pk, batch.pk)

        work_off(batch)
        lifecycle.sweep()

        assert (standing(batch).running, standing(batch).waiting) == (1, 2)
        assert begun is not None
        lifecycle.fail(begun, "timeout", "Too slow.")
        assert (standing(batch).state, standing(batch).failed) == ("paused", 1)

    def test_what_waited_is_sent_again_when_it_goes_on(
        self, olivia: Merchant, sent_jobs: list[str], django_capture_on_commit_callbacks: Any
    ) -> None:
        batch = place(olivia, 2)
        batches.pause(olivia.account.pk, batch.pk)
        sent_jobs.clear()

        with django_capture_on_commit_callbacks(execute=True):
            batches.resume(asker(olivia), batch.pk, "on")

        runs = {f"generations.run {pk}" for pk in Generation.objects.values_list("pk", flat=True)}
        assert runs <= set(sent_jobs)
        work_off(batch)
        assert standing(batch).state == "finished"

    def test_lasts_a_day_at_most(self, olivia: Merchant, time_machine: Any) -> None:
        batch = place(olivia, 5, three_first=True)
        work_off(batch)
        batches.resume(asker(olivia), batch.pk, "on", count=1)
        batches.pause(olivia.account.pk, batch.pk)
        held = balance(olivia)

        time_machine.move_to(START + DAY - timedelta(seconds=1), tick=False)
        tasks.sweep_batches()
        assert standing(batch).state == "paused"
        time_machine.move_to(START + DAY, tick=False)
        tasks.sweep_batches()
        tasks.sweep_batches()

        ended = standing(batch)
        assert (ended.state, ended.cancelled, ended.uncharged, ended.succeeded) == (
            "cancelled", 1, 1, 3,
        )  # fmt: skip
        assert balance(olivia) == (held[0] + EACH, held[1])
        assert list(problems()) == []

    def test_is_over_after_a_day_for_whoever_presses_first(
        self, olivia: Merchant, time_machine: Any
    ) -> None:
        batch = place(olivia, 2)
        batches.pause(olivia.account.pk, batch.pk)
        time_machine.move_to(START + DAY, tick=False)

        with pytest.raises(batches.rules.BatchEnded):
            batches.resume(asker(olivia), batch.pk, "on")
        tasks.sweep_batches()

        assert standing(batch).state == "cancelled"

    def test_of_a_batch_that_ended_meanwhile_is_forgotten(
        self, olivia: Merchant, time_machine: Any
    ) -> None:
        batch = place(olivia, 1)
        begun = lifecycle.start(str(Generation.objects.get().pk))
        batches.pause(olivia.account.pk, batch.pk)
        assert begun is not None
        lifecycle.fail(begun, "timeout", "Too slow.")
        time_machine.move_to(START + 2 * DAY, tick=False)
        tasks.sweep_batches()

        assert standing(batch).state == "finished"


class TestAPeriodThatEnds:
    @pytest.mark.parametrize("ended", ["by hand", "by time"])
    def test_a_pause_before_a_reset_and_a_cancel_after_it_mint_nothing(
        self, olivia: Merchant, time_machine: Any, ended: str
    ) -> None:
        """Plan credits that waited would otherwise have come over into the next period."""
        end = START + 30 * DAY
        time_machine.move_to(end - timedelta(hours=1), tick=False)
        batch = place(olivia, 4)
        batches.pause(olivia.account.pk, batch.pk)
        assert balance(olivia) == (3000 - 200, 1000)
        time_machine.move_to(end + timedelta(hours=1), tick=False)
        ledger.start_plan_period(olivia.account.pk, "starter", end, end + 30 * DAY, key="next")
        assert balance(olivia) == (3000, 1000)

        if ended == "by time":
            time_machine.move_to(end + DAY, tick=False)
            tasks.sweep_batches()
        else:
            batches.cancel(olivia.account.pk, batch.pk)

        assert standing(batch).cancelled == 4
        assert balance(olivia) == (3000, 1000)
        assert list(problems()) == []

    def test_only_the_package_part_comes_back_after_it(
        self, olivia: Merchant, time_machine: Any
    ) -> None:
        end = START + 30 * DAY
        ledger.spend(olivia.account.pk, 2970, "most")
        batch = place(olivia, 2)  # 30 from plan and 20 from package, then 50 from package.
        assert balance(olivia) == (0, 930)
        batches.pause(olivia.account.pk, batch.pk)
        batch.refresh_from_db()
        Batch.objects.update(paused_at=end)
        time_machine.move_to(end + timedelta(hours=1), tick=False)

        batches.cancel(olivia.account.pk, batch.pk)

        assert balance(olivia) == (0, 1000)
        assert list(problems()) == []

    def test_going_on_after_it_pays_with_the_new_period(
        self, olivia: Merchant, time_machine: Any
    ) -> None:
        end = START + 30 * DAY
        time_machine.move_to(end - timedelta(hours=1), tick=False)
        batch = place(olivia, 5, three_first=True)
        time_machine.move_to(end + timedelta(hours=1), tick=False)
        ledger.start_plan_period(olivia.account.pk, "starter", end, end + 30 * DAY, key="next")

        batches.resume(asker(olivia), batch.pk, "on")

        assert balance(olivia) == (3000 - 100, 1000)
        assert list(problems()) == []

    def test_without_credits_of_the_new_period_the_package_pays_or_nothing(
        self, olivia: Merchant, time_machine: Any
    ) -> None:
        end = START + 30 * DAY
        ledger.spend(olivia.account.pk, 2900, "most")
        ledger.adjust(olivia.account.pk, "package", -970, "less", "staff:1", "Test")
        batch = place(olivia, 5, key="b", three_first=True, charge=2)
        Batch.objects.update(created_at=end)
        time_machine.move_to(end + timedelta(hours=1), tick=False)

        with pytest.raises(batches.rules.ShortOfCredits) as refused:
            batches.resume(asker(olivia), batch.pk, "on")

        assert refused.value.runnable == 0
        assert balance(olivia) == (0, 30)


class TestTheSeventhDay:
    def test_what_was_never_charged_goes_with_its_pictures(
        self, olivia: Merchant, time_machine: Any
    ) -> None:
        batch = place(olivia, 5, three_first=True)
        work_off(batch)
        before = balance(olivia)
        kept = [name for name in BatchItem.objects.values_list("file", flat=True) if name]
        assert len(kept) == 2

        time_machine.move_to(START + 7 * DAY - timedelta(seconds=1), tick=False)
        tasks.sweep_batches()
        assert standing(batch).state == "sample"
        time_machine.move_to(START + 7 * DAY, tick=False)
        tasks.sweep_batches()

        assert (standing(batch).state, standing(batch).uncharged) == ("cancelled", 2)
        assert balance(olivia) == before
        assert not BatchItem.objects.exclude(file="").exists()

    @pytest.mark.parametrize("ended", ["forgotten", "cancelled", "paused too long"])
    def test_no_file_of_what_was_never_charged_outlives_it(
        self,
        olivia: Merchant,
        time_machine: Any,
        django_capture_on_commit_callbacks: Any,
        ended: str,
    ) -> None:
        batch = place(olivia, 5, three_first=True)
        work_off(batch)
        kept = names_kept(batch)
        others = set(all_files(olivia)) - kept
        assert len(kept) == 4  # Two pictures and their previews.
        if ended == "paused too long":
            batches.pause(olivia.account.pk, batch.pk)

        with django_capture_on_commit_callbacks(execute=True):
            if ended == "cancelled":
                batches.cancel(olivia.account.pk, batch.pk)
            time_machine.move_to(START + 7 * DAY, tick=False)
            tasks.sweep_batches()

        assert set(all_files(olivia)) == others
        assert names_kept(batch) == set()

    def test_files_that_storage_would_not_delete_go_with_the_orphans(
        self,
        olivia: Merchant,
        time_machine: Any,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        batch = place(olivia, 5, three_first=True)
        kept = names_kept(batch)
        with monkeypatch.context() as away, django_capture_on_commit_callbacks(execute=True):
            away.setattr(storage, "delete", is_away)
            batches.cancel(olivia.account.pk, batch.pk)
        assert kept <= set(all_files(olivia))

        time_machine.move_to(datetime.now(UTC) + 8 * DAY, tick=False)
        tasks.sweep_files()

        assert not kept & set(all_files(olivia))

    def test_a_batch_that_cannot_be_ended_keeps_no_other(
        self, olivia: Merchant, time_machine: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = (place(olivia, 5, key, three_first=True) for key in ("a", "b"))
        time_machine.move_to(START + 7 * DAY, tick=False)
        ends = stopping.lock

        def fails_once(account_id: int, batch_id: Any, now: datetime) -> Batch:
            if batch_id == first.pk:
                raise OperationalError
            return ends(account_id, batch_id, now)

        monkeypatch.setattr(stopping, "lock", fails_once)
        tasks.sweep_batches()

        assert names_kept(second) == set()
        assert len(names_kept(first)) == 4

    def test_files_of_waiting_items_are_nobodys_orphans(self, olivia: Merchant) -> None:
        place(olivia, 5, three_first=True)
        before = stored_files(olivia.account.pk)
        assert len(before) == 5

        tasks.sweep_files()

        assert stored_files(olivia.account.pk) == before
