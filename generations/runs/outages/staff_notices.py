"""What staff must hear of at once, by mail to those who may mend it, and on a page of the staff admin.

A notice is written with what it tells of and leaves after commit; what was left is sent by the
schedule. Texts name tools, engines and runs, never anything of a merchant's.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from ecomvance_app import jobs
from generations.models import StaffNotice

logger = logging.getLogger(__name__)

# The same fault again is no news within a day.
TOLD_ONCE_IN = timedelta(days=1)
# What a mail server did not take for so long is no news any more.
NEWS_FOR = timedelta(days=2)
AT_ONCE = 20


def tell(about: str, text: str) -> None:
    """Tell staff after commit, once a day for the same `about`."""
    about = about[:120]
    since = timezone.now() - TOLD_ONCE_IN
    if StaffNotice.objects.filter(about=about, made_at__gt=since).exists():
        return
    StaffNotice.objects.create(about=about, text=text[:700])
    jobs.enqueue("generations.tell_staff")


def mail_due() -> int:
    """Mail what no superuser was told yet, each once; how many left. While the server is away it waits."""
    mailed = 0
    with transaction.atomic():
        waiting = StaffNotice.objects.select_for_update(skip_locked=True).filter(
            mailed_at=None, made_at__gt=timezone.now() - NEWS_FOR
        )
        addresses = _addresses() if waiting.exists() else []
        for notice in waiting.order_by("pk")[:AT_ONCE] if addresses else ():
            try:
                send_mail("ecomVance: A tool needs you", _body(notice), None, addresses)
            except OSError:
                logger.warning("Staff notice %s waits for the schedule", notice.pk, exc_info=True)
                break
            notice.mailed_at = timezone.now()
            notice.save(update_fields=["mailed_at"])
            mailed += 1
    return mailed


def _addresses() -> list[str]:
    superusers = get_user_model().objects.filter(is_superuser=True, is_active=True)
    found = superusers.exclude(email=None).values_list("email", flat=True)
    return [str(address) for address in found]


def _body(notice: StaffNotice) -> str:
    page = reverse("admin:generations_enginehealth_changelist")
    return f"{notice.text}\n\n{settings.APP_URL}{page}\n"
