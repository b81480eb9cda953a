"""What an account is told by mail: the one table of kinds, which of them are on, and what waits to go.

A notice is written in the transaction of what it tells of and leaves after commit; the sweep sends what
was left. Its words are kept until the store is forgotten: they may name what somebody made.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credits.accounts import mails, recipients
from credits.models import Notice, NoticeChoice
from ecomvance_app import clock, jobs

Kind = NoticeChoice.Kind

# What a merchant would rather hear of; the rest is turned on by whoever wants it.
ON_UNLESS_TURNED_OFF = frozenset(Kind) - {Kind.RUN_FAILED}
# What a mail server did not take for so long is no news any more.
NEWS_FOR = timedelta(days=2)
EXPLAINED = {
    Kind.LOW: _("Low credits: your balance falls to the number above"),
    Kind.ZERO: _("No credits left"),
    Kind.RUN_FAILED: _("A run failed, at most one email an hour"),
    Kind.BATCH_DONE: _("A batch is done"),
    Kind.RENEWAL: _("Your plan has renewed"),
    Kind.CHARGE: _("A charge was approved, or could not be collected"),
    Kind.TRIAL_END: _("Your free trial ends"),
    Kind.APPROVAL: _("A run above your spending limit waits for an owner"),
    Kind.EXPIRING: _("Results are deleted in 30 days"),
}

logger = logging.getLogger(__name__)


def is_on(account_id: int, kind: str) -> bool:
    """Whether the account wants mails of this kind."""
    chosen = NoticeChoice.objects.filter(account_id=account_id, kind=kind).first()
    return chosen.is_on if chosen is not None else kind in ON_UNLESS_TURNED_OFF


def kinds_on(account_id: int) -> list[str]:
    """The kinds that the account wants, in the table's order."""
    chosen = dict(NoticeChoice.objects.filter(account_id=account_id).values_list("kind", "is_on"))
    return [kind for kind in Kind if chosen.get(kind, kind in ON_UNLESS_TURNED_OFF)]


def choose(account_id: int, kinds: list[str]) -> None:
    """Turn these kinds on and all others off."""
    NoticeChoice.objects.bulk_create(
        [NoticeChoice(account_id=account_id, kind=kind, is_on=kind in kinds) for kind in Kind],
        update_conflicts=True,
        unique_fields=["account", "kind"],
        update_fields=["is_on"],
    )


def tell(
    account_id: int,
    kind: str,
    key: str,
    *,
    subject: str,
    text: str,
    path: str = "",
    now: datetime | None = None,
    not_within: timedelta | None = None,
) -> Notice | None:
    """Mail the account's confirmed addresses after commit, once for `kind` and `key`.

    `text` is plain, in short paragraphs; `path` the page that it leads to, of the web dashboard. None,
    and nothing is kept, where the kind is off, the key was told before, or another one of this kind was
    told within `not_within`.
    """
    now = clock.now() if now is None else now
    if not is_on(account_id, kind):
        return None
    if not_within is not None:
        lately = Notice.objects.filter(account_id=account_id, kind=kind)
        if lately.filter(created_at__gt=now - not_within).exists():
            return None
    told = {"subject": subject[:200], "text": text, "path": path, "created_at": now}
    notice, is_new = Notice.objects.get_or_create(
        account_id=account_id, kind=kind, key=key, defaults=told
    )
    if not is_new:
        return None
    jobs.enqueue("credits.mail_notice", notice_id=notice.pk)
    return notice


def mail(notice_id: int) -> None:
    """Mail one notice, once however often this is called; while the server is away it waits.

    What is older than `NEWS_FOR` is kept and not mailed.
    """
    with transaction.atomic():
        notice = (
            Notice.objects.select_for_update(of=("self",))
            .select_related("account")
            .filter(pk=notice_id, mailed_at=None, created_at__gt=clock.now() - NEWS_FOR)
            .first()
        )
        if notice is None:
            return
        settings_path = reverse("pages:settings", current_app="web")
        context = {
            "notice": notice,
            "account": notice.account,
            "url": f"{settings.APP_URL}{notice.path}" if notice.path else "",
            "settings_url": f"{settings.APP_URL}{settings_path}",
        }
        text = render_to_string("credits/mail/notice.txt", context)
        html = render_to_string("credits/mail/notice.html", context)
        addresses = recipients.to_mail(notice.account_id)
        try:
            mails.send_each(notice.subject, text, html, addresses, f"notice {notice.pk}")
        except OSError:
            logger.warning("Notice %s waits for the sweep", notice.pk, exc_info=True)
            return
        notice.mailed_at = clock.now()
        notice.save(update_fields=["mailed_at"])


def unmailed(now: datetime) -> list[int]:
    """Notices of the last days that should have left and did not."""
    left = Notice.objects.filter(mailed_at=None, created_at__gt=now - NEWS_FOR)
    return list(left.order_by("pk").values_list("pk", flat=True))
