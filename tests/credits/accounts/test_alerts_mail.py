"""The low-credit mail: to whom, in what words, and once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import ClassVar

import pytest
from django.core.mail.backends import locmem
from django.utils import timezone

from credits import ledger, tasks
from credits.accounts import alerts
from credits.models import AlertRecipient, LowCreditAlert
from tests.credits.reports.story import DAY, open_bloom, open_quay

pytestmark = pytest.mark.django_db

JANUARY = datetime(2025, 1, 2, 5, 14, tzinfo=UTC)


@pytest.fixture
def bloom():
    account = open_bloom(JANUARY, time_zone="Asia/Tokyo")
    for name in ("olivia", "shop"):
        AlertRecipient.objects.create(
            account=account, email=f"{name}@bloom.example", confirmed_at=timezone.now()
        )
    AlertRecipient.objects.create(
        account=account, email="left@bloom.example", enabled=False, confirmed_at=timezone.now()
    )
    return account


def cross(account, now=JANUARY):
    """Spend down to 50 credits."""
    total = account.plan_balance + account.package_balance
    ledger.spend(account.pk, total - 50, f"cross-{now}", now=now)
    return LowCreditAlert.objects.latest("pk")


def test_words_links_and_reset_date_in_the_accounts_zone(bloom, mailoutbox):
    bloom.refresh_from_db()
    tasks.mail_alert(alert_id=cross(bloom).pk)

    assert [mail.to for mail in mailoutbox] == [["olivia@bloom.example"], ["shop@bloom.example"]]
    mail = mailoutbox[0]
    html, content_type = mail.alternatives[0]
    assert mail.subject == "50 credits remaining"
    assert content_type == "text/html"
    for form in (mail.body, html):
        # The period ends on 1 February, 05:14 UTC.
        assert "Plan credits reset on:" in form
        assert "February 1, 2025, 14:14 (Asia/Tokyo)" in form
        for page in ("plans#packages", "plans#plans", "usage", "settings"):
            assert f"http://localhost:8000/dashboard/{page}" in form
    assert "You have 50 credits remaining." in mail.body
    assert "falls to 300 credits or below" in mail.body


def test_once_however_often_the_message_arrives(bloom, mailoutbox):
    bloom.refresh_from_db()
    alert = cross(bloom)

    for _again in range(3):
        tasks.mail_alert(alert_id=alert.pk)

    assert len(mailoutbox) == 2
    alert.refresh_from_db()
    assert alert.mailed_at is not None


def test_one_mail_per_period_however_many_crossings(bloom, mailoutbox):
    bloom.refresh_from_db()
    cross(bloom)
    ledger.add_package(bloom.pk, 1000, "top-up", now=JANUARY + DAY)
    bloom.refresh_from_db()
    second = cross(bloom, JANUARY + 2 * DAY)

    assert not second.to_mail
    first = LowCreditAlert.objects.earliest("pk")
    assert alerts.unmailed(JANUARY + 3 * DAY) == [first.pk]
    # What nobody could mail for a whole cycle is no news any more.
    assert alerts.unmailed(JANUARY + 31 * DAY) == []


def test_a_mail_server_that_is_away_leaves_the_alert_for_the_sweep(bloom, mailoutbox, settings):
    bloom.refresh_from_db()
    alert = cross(bloom)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1

    tasks.mail_alert(alert_id=alert.pk)

    assert alerts.unmailed(JANUARY) == [alert.pk]


class PickyServer(locmem.EmailBackend):
    """A mail server that refuses some addresses, for good or for now, as smtplib tells it."""

    codes: ClassVar[dict[str, int]] = {}

    def send_messages(self, messages):
        for message in messages:
            if code := self.codes.get(message.to[0]):
                raise SMTPRecipientsRefused({message.to[0]: (code, b"Mailbox unavailable")})
        return super().send_messages(messages)


@pytest.fixture
def picky(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.PickyServer"
    codes: dict[str, int] = {}
    monkeypatch.setattr(PickyServer, "codes", codes)
    return codes


@pytest.mark.parametrize("code", [550, 452])
def test_an_address_that_is_refused_costs_the_others_nothing(bloom, mailoutbox, picky, code):
    AlertRecipient.objects.create(
        account=bloom, email="zoe@bloom.example", confirmed_at=timezone.now()
    )
    picky["shop@bloom.example"] = code
    bloom.refresh_from_db()
    alert = cross(bloom)

    for _again in range(3):
        tasks.mail_alert(alert_id=alert.pk)

    assert [mail.to for mail in mailoutbox] == [["olivia@bloom.example"], ["zoe@bloom.example"]]
    assert alerts.unmailed(JANUARY) == []


def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(bloom, mailoutbox, picky):
    picky |= {"olivia@bloom.example": 451, "shop@bloom.example": 550}
    bloom.refresh_from_db()
    alert = cross(bloom)

    tasks.mail_alert(alert_id=alert.pk)
    assert alerts.unmailed(JANUARY) == [alert.pk]
    picky["olivia@bloom.example"] = 550
    tasks.mail_alert(alert_id=alert.pk)

    assert mailoutbox == []
    assert alerts.unmailed(JANUARY) == []


def test_the_trial_refills(mailoutbox):
    quay = open_quay(JANUARY)
    AlertRecipient.objects.create(
        account=quay, email="quay@example.com", confirmed_at=timezone.now()
    )

    tasks.mail_alert(alert_id=cross(quay).pk)

    assert "Trial credits reset on: January 3, 2025, 05:14 (UTC)" in mailoutbox[0].body


def test_without_a_period_there_is_no_date(mailoutbox):
    account = ledger.open_account("Packages only", trial=False, now=JANUARY)
    ledger.add_package(account.pk, 500, "package", now=JANUARY)
    AlertRecipient.objects.create(
        account=account, email="quay@example.com", confirmed_at=timezone.now()
    )
    account.refresh_from_db()

    tasks.mail_alert(alert_id=cross(account, JANUARY + timedelta(hours=1)).pk)

    assert "reset on" not in mailoutbox[0].body
    assert "refill" not in mailoutbox[0].body


def test_while_a_renewal_is_not_confirmed_there_is_no_date(bloom, mailoutbox):
    ledger.spend(bloom.pk, 450, "packages only", now=JANUARY + 31 * DAY)

    tasks.mail_alert(alert_id=LowCreditAlert.objects.get().pk)

    assert "50 credits" in mailoutbox[0].body
    assert "reset on" not in mailoutbox[0].body


def test_names_are_escaped_in_html_alone(mailoutbox):
    account = ledger.open_account("Tom & <b>Jerry</b>", now=JANUARY)
    AlertRecipient.objects.create(
        account=account, email="tom@example.com", confirmed_at=timezone.now()
    )

    tasks.mail_alert(alert_id=cross(account).pk)

    (mail,) = mailoutbox
    assert "Account: Tom & <b>Jerry</b>" in mail.body
    assert "Account: Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;" in mail.alternatives[0][0]
