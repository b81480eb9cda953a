"""That a batch has ended, told once: by mail to whoever asked for that."""

from __future__ import annotations

import logging
from smtplib import SMTPRecipientsRefused
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits.accounts import notices, recipients
from ecomvance_app import clock
from generations.models import Batch, BatchItem, Generation
from generations.runs.batches import progress

logger = logging.getLogger(__name__)
# So many are looked at in one sweep; the others in the next.
_AT_ONCE = 200
# One picture is no batch to whoever reads mails.
WORTH_A_MAIL = 2


def tell_end(batch_id: UUID | str) -> bool:
    """Tell the end of this batch if it has ended and nobody was told; whether it was told now.

    The mail is sent before the row says so: a mail server that is away is asked again by the sweep.
    """
    with transaction.atomic():
        batches = Batch.objects.select_for_update(of=("self",), skip_locked=True)
        batch = batches.filter(pk=batch_id, told_at=None).select_related("requested_by").first()
        if batch is None:
            return False
        standing = progress.read(batch)
        if not standing.is_final or standing.running:
            return False
        told = _tell_account(batch, standing)
        if batch.mail_when_done and not told:
            _send(batch, standing)
        batch.told_at = clock.now()
        batch.save(update_fields=["told_at"])
    return True


def tell_ends() -> int:
    """Tell the ends that were not told, as when a message was lost; returns how many."""
    items = BatchItem.objects.filter(batch=OuterRef("pk"))
    unfinished = Q(run=None, batch__cancelled_at=None) | Q(
        run__state__in=[Generation.State.QUEUED, Generation.State.RUNNING]
    )
    untold = Batch.objects.filter(~Exists(items.filter(unfinished)), told_at=None)
    untold = untold.order_by("created_at")
    told = 0
    for batch_id in list(untold.values_list("pk", flat=True)[:_AT_ONCE]):
        try:
            told += tell_end(batch_id)
        except OSError:
            logger.warning("The end of batch %s waits for the mail server", batch_id)
    return told


def _tell_account(batch: Batch, standing: progress.Progress) -> bool:
    """Mail the account's addresses if they want it; whether whoever asked is one of them."""
    if standing.total < WORTH_A_MAIL:
        return False
    notice = notices.tell(
        batch.account_id,
        notices.Kind.BATCH_DONE,
        str(batch.pk),
        subject=_("Your batch has ended"),
        text="\n\n".join(_sentences(standing)),
        path=_page(batch),
    )
    address = getattr(batch.requested_by, "email", "") or ""
    mailed = recipients.to_mail(batch.account_id).filter(email=address.lower())
    return notice is not None and mailed.exists()


def _page(batch: Batch) -> str:
    return reverse("pages:batch", args=[batch.pk], current_app="web")


def _sentences(standing: progress.Progress) -> list[str]:
    ready = ngettext(
        "%(ready)s of %(total)s image is ready to review.",
        "%(ready)s of %(total)s images are ready to review.",
        standing.total,
    ) % {"ready": standing.succeeded, "total": standing.total}
    lines = [ready]
    if standing.failed:
        lines.append(
            ngettext(
                "%(failed)s failed. You see why, and can run it again.",
                "%(failed)s failed. You see why, and can run them again.",
                standing.failed,
            )
            % {"failed": standing.failed}
        )
    return lines


def _send(batch: Batch, standing: progress.Progress) -> None:
    address = getattr(batch.requested_by, "email", "")
    if not address:
        return
    lines = [*_sentences(standing), "", f"{settings.APP_URL}{_page(batch)}"]
    try:
        send_mail(_("ecomVance: Your batch has ended"), "\n".join(lines), None, [address])
    except SMTPRecipientsRefused:
        logger.warning("Nobody reads mail at the address of person %s", batch.requested_by_id)
