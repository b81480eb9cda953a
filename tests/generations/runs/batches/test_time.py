"""What time does to batches: pauses and batches that nobody goes on with end, and nothing is minted.

Every credit is followed through the ledger's own checks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.utils import timezone

from credits import ledger, queries
from credits.ledger.checks import problems
from credits.models import LedgerEntry
from credits.signals import account_suspended
from generations import tasks
from generations.engines import registry
from generations.media import storage
from generations.models import Batch, BatchItem, Generation
from generations.runs import batches, lifecycle
from generations.runs.batches import progress, stopping
from generations.runs.orders import Order, Requester
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug, lose_worker, stored_files
from tests.merchants import Merchant

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EACH = 50


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LOCAL", {batches.TOOL: Engine()})


@pytest.fixture
def olivia(owner: Merchant, time_machine: Any) -> Merchant:
    """Olivia with a plan period of thirty days and a package."""
    time_machine.move_to(START, tick=False)
    ledger.start_plan_period(
        owner.account.pk, "starter", timezone.now(), timezone.now() + 30 * DAY, key="period"
    )
    ledger.add_package(owner.account.pk, 1000, "pkg")
    return owner


def place(merchant: Merchant, count: int, key: str = "b", **more: Any) -> Batch:
    orders = [Order(batches.TOOL, "1K", product_id=OneMug.mug.id)] * count
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    batch, created = batches.place(requester, orders, key, **more)
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
            away.setattr(storage, "delete", _away)
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


class TestTheEnd:
    def test_is_told_once_to_whoever_wants_a_mail(self, olivia: Merchant) -> None:
        batch = place(olivia, 2, mail_when_done=True)
        work_off(batch)
        for _ in range(2):
            tasks.batch_done(batch_id=str(batch.pk))
            tasks.sweep_batches()

        (letter,) = mail.outbox
        assert letter.to == [olivia.person.email]
        assert "2 of 2 images are ready to review." in letter.body
        assert f"/dashboard/batches/{batch.pk}" in letter.body

    def test_is_told_again_after_failed_ones_ran_again(self, olivia: Merchant) -> None:
        batch = place(olivia, 1, mail_when_done=True)
        begun = lifecycle.start(str(Generation.objects.get().pk))
        assert begun is not None
        lifecycle.fail(begun, "timeout", "Too slow.")
        tasks.batch_done(batch_id=str(batch.pk))
        batches.retry(asker(olivia), batch.pk, "again")
        tasks.batch_done(batch_id=str(batch.pk))
        assert len(mail.outbox) == 1
        work_off(batch)
        tasks.batch_done(batch_id=str(batch.pk))

        assert len(mail.outbox) == 2

    def test_is_not_told_to_who_did_not_ask(self, olivia: Merchant) -> None:
        batch = place(olivia, 1)
        work_off(batch)
        tasks.sweep_batches()

        assert mail.outbox == []

    def test_a_mail_server_that_is_away_is_asked_again(
        self, olivia: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = place(olivia, 1, mail_when_done=True)
        work_off(batch)
        with monkeypatch.context() as away:
            away.setattr("generations.runs.batches.notices.send_mail", _away)
            tasks.sweep_batches()
        assert mail.outbox == []
        tasks.sweep_batches()

        assert len(mail.outbox) == 1


def _away(*_arguments: object, **_named: object) -> int:
    raise ConnectionRefusedError


def test_a_worker_that_is_killed_costs_nothing_more(owner: Merchant) -> None:
    ledger.add_package(owner.account.pk, 1000, "pkg")
    batch = place(owner, 3)
    before = balance(owner)
    first = Generation.objects.order_by("batch_item__position")[0]
    lifecycle.start(str(first.pk))
    lose_worker()
    lifecycle.sweep()

    work_off(batch)

    assert (standing(batch).succeeded, standing(batch).state) == (3, "finished")
    assert balance(owner) == before
    assert LedgerEntry.objects.filter(kind="spend").count() == 3


def test_a_store_that_leaves_gets_back_what_waits(olivia: Merchant) -> None:
    batch = place(olivia, 5, three_first=True)

    account_suspended.send(sender=None, account_id=olivia.account.pk)

    assert standing(batch).cancelled == 3
    assert balance(olivia) == (3000, 1000)
