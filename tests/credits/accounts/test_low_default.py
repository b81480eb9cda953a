"""A changed low-credit default reaches every account that chose nothing, and tells nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from credits import ledger, queries, tasks
from credits.accounts import alerts, low_default
from credits.models import Account, LowCreditAlert, LowCreditDefault
from ecomvance_app import jobs, live
from tests.credits.ledger.books import CYCLE, OPENED, open_harbor, open_loom, open_paper

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that would leave."""
    names: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda name, **_ids: names.append(name))
    return names


def change(share: int, least: int) -> LowCreditDefault:
    default = low_default.read()
    default.share, default.least = share, least
    low_default.begin(default)
    default.save()
    return default


def spread_all() -> None:
    while low_default.spread():
        pass


def low_at(account: Account) -> int:
    account.refresh_from_db()
    assert queries.get_balance(account.pk, now=OPENED).low_at == account.low_at
    return account.low_at


def warned(account: Account) -> list[tuple[int, int, bool]]:
    found = LowCreditAlert.objects.filter(account=account).order_by("pk")
    return [(alert.remaining, alert.threshold, alert.to_mail) for alert in found]


def test_the_product_begins_with_a_tenth_and_50() -> None:
    default = LowCreditDefault.objects.get()

    assert (default.share, default.least, default.is_spread) == (10, 50, True)
    assert LowCreditDefault().threshold(3_000) == default.threshold(3_000) == 300


def test_a_change_reaches_those_who_chose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_default, "STEP", 1)
    paper, loom, harbor = open_paper(), open_loom(), open_harbor()
    chose = open_paper()
    alerts.set_threshold(chose.pk, 123)

    change(share=20, least=30)
    assert low_at(paper) == 300  # What counts, and what is shown, until its turn comes.
    spread_all()

    assert [low_at(account) for account in (paper, loom, harbor, chose)] == [600, 30, 30, 123]


def test_new_accounts_and_periods_follow_it_at_once() -> None:
    change(share=20, least=30)

    assert low_at(open_harbor()) == 30
    assert low_at(open_loom()) == 30
    assert low_at(open_paper()) == 600


def test_who_takes_a_choice_back_gets_the_new_one() -> None:
    paper = open_paper()
    alerts.set_threshold(paper.pk, 123)
    change(share=20, least=30)
    spread_all()

    alerts.set_threshold(paper.pk, None)

    assert low_at(paper) == 600


def test_the_end_of_a_plan_leaves_the_new_least() -> None:
    paper = open_paper()
    ledger.add_package(paper.pk, 500, key="package", now=OPENED)
    change(share=20, least=30)
    spread_all()

    assert queries.get_balance(paper.pk, now=OPENED + CYCLE).low_at == 30
    ledger.settle(paper.pk, now=OPENED + CYCLE)
    paper.refresh_from_db()
    assert paper.low_at == 30


def test_a_raised_default_tells_nobody_not_even_by_the_next_spend() -> None:
    paper = open_paper()
    ledger.spend(paper.pk, 2_500, "down to 500", now=OPENED)

    change(share=20, least=50)
    spread_all()
    assert queries.get_balance(paper.pk, now=OPENED).low
    ledger.spend(paper.pk, 300, "it was low before", now=OPENED)

    assert warned(paper) == []


def test_a_raised_default_is_told_by_the_spend_that_crosses_it() -> None:
    paper = open_paper()
    change(share=20, least=50)
    spread_all()

    ledger.spend(paper.pk, 2_399, "above", now=OPENED)
    assert warned(paper) == []
    ledger.spend(paper.pk, 1, "crossing", now=OPENED)

    assert warned(paper) == [(600, 600, True)]


def test_who_was_warned_is_not_mailed_again_in_the_period() -> None:
    paper = open_paper()
    ledger.spend(paper.pk, 2_700, "crossing 300", now=OPENED)
    change(share=5, least=50)
    spread_all()

    ledger.spend(paper.pk, 150, "crossing 150", now=OPENED)

    assert warned(paper) == [(300, 300, True), (150, 150, False)]


def test_a_change_that_was_interrupted_goes_on_and_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(low_default, "STEP", 1)
    monkeypatch.setattr(low_default, "STEPS", 1)
    accounts = [open_paper() for number in range(3)]
    change(share=20, least=50)

    assert low_default.spread()
    assert sorted(low_at(account) for account in accounts) == [300, 300, 600]
    spread_all()
    spread_all()

    assert [low_at(account) for account in accounts] == [600, 600, 600]


def test_a_second_change_on_the_way_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_default, "STEP", 1)
    monkeypatch.setattr(low_default, "STEPS", 1)
    accounts = [open_paper() for number in range(2)]
    change(share=20, least=50)
    assert low_default.spread()

    change(share=30, least=50)
    spread_all()

    assert [low_at(account) for account in accounts] == [900, 900]


def test_a_pass_soon_after_the_change_is_followed_by_one_that_finds_late_writers() -> None:
    paper = open_paper()
    change(share=20, least=50)
    spread_all()
    # Written by somebody who had read the default before it changed.
    Account.objects.filter(pk=paper.pk).update(low_at=300)
    assert low_default.is_left_lying()

    LowCreditDefault.objects.update(changed_at=timezone.now() - timedelta(minutes=3))
    spread_all()

    assert low_at(paper) == 600
    assert not low_default.is_left_lying()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_locked_is_not_waited_for_and_follows_later() -> None:
    held, free = open_paper(), open_paper()
    change(share=20, least=50)
    # Long after the change: the pass would be the last one, had it reached everybody.
    LowCreditDefault.objects.update(changed_at=timezone.now() - timedelta(minutes=3))
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM credits_account WHERE id = %s FOR UPDATE", [held.pk])
        spread_all()
        assert (low_at(held), low_at(free)) == (300, 600)
        assert low_default.is_left_lying()
    finally:
        other.rollback()
        other.close()

    spread_all()

    assert (low_at(held), low_at(free)) == (600, 600)
    assert not low_default.is_left_lying()


def test_the_sweep_sends_what_is_left_lying(sent: list[str]) -> None:
    tasks.sweep()
    assert "credits.spread_low_default" not in sent
    change(share=20, least=50)
    sent.clear()

    tasks.sweep()

    assert "credits.spread_low_default" in sent


def test_the_task_sends_the_next_one_while_accounts_are_left(
    monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    monkeypatch.setattr(low_default, "STEP", 1)
    monkeypatch.setattr(low_default, "STEPS", 1)
    open_paper()
    change(share=20, least=50)
    sent.clear()

    tasks.spread_low_default()
    assert sent == ["credits.spread_low_default"]
    tasks.spread_low_default()

    assert sent == ["credits.spread_low_default"]


def test_open_pages_hear_of_it_where_the_state_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(live, "publish", lambda pk, _kind: told.append(pk))
    paper = open_paper()
    open_paper()
    ledger.spend(paper.pk, 2_500, "down to 500", now=OPENED)
    told.clear()

    change(share=20, least=50)
    spread_all()

    assert told == [paper.pk]


def test_a_step_takes_as_many_statements_for_many_accounts(
    django_assert_num_queries: Any,
) -> None:
    for _number in range(10):
        open_paper()
    change(share=20, least=50)

    # The default's lock, the next ones, their rows, one write, how far it came; its savepoint.
    with django_assert_num_queries(7):
        assert low_default._step()
    assert connection.in_atomic_block
