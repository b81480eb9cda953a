"""Zero and the end of the trial are told by mail, once, to whoever has agreed."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from credits import ledger, tasks
from credits.accounts import news, notices, recipients
from credits.models import LowCreditAlert, Notice
from tests.merchants import Merchant, make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia() -> Merchant:
    olivia = make_merchant("Olivia", time_zone="Asia/Kolkata")
    recipients.add_confirmed(olivia.account.pk, "olivia@example.com")
    return olivia


def told(kind: str) -> list[Notice]:
    return list(Notice.objects.filter(kind=kind).order_by("pk"))


def use_up(merchant: Merchant, amount: int = 100, key: str = "all") -> None:
    ledger.spend(merchant.account.pk, amount, key)


def test_the_last_credit_is_told_with_what_comes_next(olivia, mailoutbox):
    end = timezone.now() + timedelta(days=30)
    ledger.start_plan_period(olivia.account.pk, "starter", timezone.now(), end, key="period")
    use_up(olivia, 2_990, "nearly")
    assert told("zero") == []
    use_up(olivia, 10)
    [notice] = told("zero")
    tasks.mail_notice(notice_id=notice.pk)
    [sent] = mailoutbox
    assert (sent.to, sent.subject) == (["olivia@example.com"], "No credits left")
    when = f"{end.astimezone(ZoneInfo('Asia/Kolkata')):%B %-d, %Y, %H:%M}"
    assert f"Plan credits reset on: {when} (Asia/Kolkata)" in sent.body
    assert "http://localhost:8000/dashboard/plans" in sent.body


def test_a_batch_that_uses_everything_up_is_told(olivia):
    use_up(olivia, 60, "warned of")
    ledger.spend_many(olivia.account.pk, [(30, "one"), (10, "two")])
    assert len(told("zero")) == 1


def test_where_the_warning_says_zero_there_is_no_second_mail(olivia):
    use_up(olivia)
    [alert] = LowCreditAlert.objects.all()
    assert (alert.remaining, alert.to_mail) == (0, True)
    assert told("zero") == []


def test_who_wants_no_warning_hears_of_zero_all_the_same(olivia):
    notices.choose(olivia.account.pk, ["zero"])
    use_up(olivia)
    assert len(told("zero")) == 1


def test_zero_is_told_again_the_next_day_but_not_twice_in_one(olivia, time_machine):
    notices.choose(olivia.account.pk, ["zero"])
    time_machine.move_to(olivia.account.opened_at, tick=False)
    use_up(olivia)
    ledger.add_package(olivia.account.pk, 500, key="package")
    use_up(olivia, 500, "all of the package")
    assert len(told("zero")) == 1
    time_machine.shift(timedelta(days=1))
    use_up(olivia, key="next day")
    assert len(told("zero")) == 2


def test_an_expiry_is_no_zero(olivia, time_machine):
    time_machine.move_to(olivia.account.opened_at + timedelta(days=8))
    tasks.sweep()
    olivia.account.refresh_from_db()
    assert olivia.account.plan_balance == 0
    assert told("zero") == []


def test_the_end_of_the_trial_is_told_on_its_last_day_once(olivia, time_machine, mailoutbox):
    account = olivia.account
    ledger.add_package(account.pk, 500, key="package")
    time_machine.move_to(account.opened_at + timedelta(days=5, hours=23), tick=False)
    tasks.sweep()
    assert told("trial_end") == []
    time_machine.shift(timedelta(hours=2))
    for _again in range(2):
        tasks.sweep()
    [notice] = told("trial_end")
    tasks.mail_notice(notice_id=notice.pk)
    [sent] = mailoutbox
    assert sent.subject == "Your free trial ends soon"
    assert "You keep 500 package credits." in sent.body
    assert "(Asia/Kolkata). Trial credits that are left then expire." in sent.body


def test_who_has_taken_a_plan_has_no_trial_to_end(olivia, time_machine):
    end = timezone.now() + timedelta(days=30)
    ledger.start_plan_period(olivia.account.pk, "starter", timezone.now(), end, key="period")
    time_machine.move_to(olivia.account.opened_at + timedelta(days=6, hours=1))
    assert news.tell_trial_ends(timezone.now()) == 0
