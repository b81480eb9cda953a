"""Scheduled and after-commit work of the ledger. Each task makes one call."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction

from credits.accounts import alerts, low_default, news, notices
from credits.ledger import checks, expiring
from credits.models import LowCreditAlert
from ecomvance_app import clock, jobs

logger = logging.getLogger(__name__)


@shared_task(name="credits.sweep")
def sweep(**_kwargs: object) -> None:
    """Book expiries of accounts that nobody touches; tell who has a day left; send what was left."""
    now = clock.now()
    news.tell_trial_ends(now)
    expiring.book_expiries(now)
    for alert_id in alerts.unmailed(now):
        jobs.enqueue("credits.mail_alert", alert_id=alert_id)
    for notice_id in notices.unmailed(now):
        jobs.enqueue("credits.mail_notice", notice_id=notice_id)
    if checks.is_left_lying(now):
        jobs.enqueue("credits.check_ledger")
    if low_default.is_left_lying():
        jobs.enqueue("credits.spread_low_default")


@shared_task(name="credits.mail_alert")
def mail_alert(alert_id: int, **_kwargs: object) -> None:
    """Mail one low-credit warning, once however often the message arrives.

    While the mail server is away the warning is left to the next sweep.
    """
    with transaction.atomic():
        alert = (
            LowCreditAlert.objects.select_for_update(of=("self",))
            .select_related("account")
            .filter(pk=alert_id, mailed_at=None)
            .first()
        )
        if alert is None:
            return
        try:
            alerts.mail_alert(alert)
        except OSError:
            logger.warning("Low-credit warning %s waits for the sweep", alert_id, exc_info=True)
            return
        alert.mailed_at = clock.now()
        alert.save(update_fields=["mailed_at"])


@shared_task(name="credits.mail_notice")
def mail_notice(notice_id: int, **_kwargs: object) -> None:
    """Mail one notice, once however often the message arrives."""
    notices.mail(notice_id)


@shared_task(name="credits.check_ledger")
def check_ledger(**_kwargs: object) -> None:
    """Recompute every account from its entries; report what is out of step, repair nothing.

    It goes on where the last such task has stopped, and sends the next one when it stops itself.
    """
    if checks.go_on(clock.now()):
        jobs.enqueue("credits.check_ledger")


@shared_task(name="credits.spread_low_default")
def spread_low_default(**_kwargs: object) -> None:
    """Write a changed low-credit default into the accounts; the next task goes on with them."""
    if low_default.spread():
        jobs.enqueue("credits.spread_low_default")
