"""What an account is told by mail: the kinds that it wants, to whom, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from credits import ledger, tasks
from credits.accounts import notices, recipients
from credits.models import AlertRecipient, LowCreditAlert, Notice
from ecomvance_app import clock
from tests.merchants import make_merchant

PAGE = "/dashboard/settings"

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    olivia = make_merchant("Olivia")
    recipients.add_confirmed(olivia.account.pk, "olivia@example.com")
    AlertRecipient.objects.create(account=olivia.account, email="silent@example.com")
    return olivia


def tell(merchant, key="one", kind="charge", **options):
    words = {"subject": "A charge", "text": "First.\n\nThen.", "path": "/dashboard/plans"}
    return notices.tell(merchant.account.pk, kind, key, **words | options)


def test_a_notice_goes_to_the_confirmed_addresses_with_its_links(olivia, mailoutbox):
    notice = tell(olivia)
    for _again in range(2):
        tasks.mail_notice(notice_id=notice.pk)
    [sent] = mailoutbox
    html, _type = sent.alternatives[0]
    assert (sent.to, sent.subject) == (["olivia@example.com"], "A charge")
    for form in (sent.body, html):
        assert "http://localhost:8000/dashboard/plans" in form
        assert "http://localhost:8000/dashboard/settings" in form
    assert "Olivia's store" in sent.body
    assert "<p>Then.</p>" in html


def test_nothing_is_told_twice(olivia):
    assert tell(olivia)
    assert tell(olivia) is None
    assert tell(olivia, "two")
    assert tell(olivia, "three", not_within=timedelta(hours=1)) is None
    later = clock.now() + timedelta(hours=2)
    assert tell(olivia, "four", not_within=timedelta(hours=1), now=later)
    assert Notice.objects.count() == 3


def test_what_is_turned_off_is_not_told(olivia, mailoutbox):
    page = olivia.client.get(PAGE).text
    assert page.count('name="kinds"') == len(notices.EXPLAINED) == len(notices.Kind)
    form = {"recipients": "olivia@example.com", "kinds": ["run_failed", "low"]}
    assert olivia.client.post(PAGE, form).status_code == 302
    assert notices.kinds_on(olivia.account.pk) == ["low", "run_failed"]
    assert tell(olivia) is None
    assert tell(olivia, kind="run_failed")
    assert "checked" in olivia.client.get(PAGE).text


def test_a_kind_that_there_is_not_changes_nothing(olivia):
    before = notices.kinds_on(olivia.account.pk)
    assert olivia.client.post(PAGE, {"kinds": ["weather"]}).status_code == 422
    assert notices.kinds_on(olivia.account.pk) == before


def test_the_low_credit_mail_is_one_of_the_kinds(olivia, mailoutbox):
    notices.choose(olivia.account.pk, [])
    ledger.spend(olivia.account.pk, 60, "run")
    tasks.mail_alert(alert_id=LowCreditAlert.objects.get().pk)
    assert not mailoutbox
    # The warning on the pages is no mail.
    assert "Low credits warning" in olivia.client.get(PAGE).text


def test_a_mail_server_that_is_away_leaves_it_for_the_sweep(olivia, settings, mailoutbox):
    notice = tell(olivia)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    tasks.mail_notice(notice_id=notice.pk)
    assert notices.unmailed(clock.now()) == [notice.pk]
    # Later it is no news any more.
    assert notices.unmailed(clock.now() + timedelta(days=3)) == []


def test_an_address_that_left_gets_nothing(olivia, mailoutbox):
    notice = tell(olivia)
    AlertRecipient.objects.update(enabled=False, confirmed_at=timezone.now())
    tasks.mail_notice(notice_id=notice.pk)
    assert not mailoutbox


def test_what_is_old_is_no_news(olivia, mailoutbox):
    notice = tell(olivia, now=clock.now() - timedelta(days=3))
    tasks.mail_notice(notice_id=notice.pk)
    assert mailoutbox == []
