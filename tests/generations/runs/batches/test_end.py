"""How a batch ends: told once, killed workers, a store that leaves."""

from __future__ import annotations

import pytest
from django.core import mail

from credits import ledger
from credits.models import LedgerEntry
from credits.signals import account_suspended
from generations import tasks
from generations.models import Generation
from generations.runs import batches, lifecycle
from tests.generations.mug_store import lose_worker
from tests.generations.runs.batches.steps import (
    asker,
    balance,
    is_away,
    place,
    standing,
    work_off,
)
from tests.merchants import Merchant

pytestmark = pytest.mark.usefixtures("quick_engine")


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
            away.setattr("generations.runs.batches.notices.send_mail", is_away)
            tasks.sweep_batches()
        assert mail.outbox == []
        tasks.sweep_batches()

        assert len(mail.outbox) == 1


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
