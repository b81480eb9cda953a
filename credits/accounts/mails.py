"""One mail to several addresses, each for itself: what one refuses costs nobody else the mail."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from smtplib import SMTPRecipientsRefused

from django.core.mail import EmailMultiAlternatives, get_connection

from credits.models import AlertRecipient

FIRST_PERMANENT = 500  # RFC 5321, section 4.2.1: codes below are for now.

logger = logging.getLogger(__name__)


def send_each(
    subject: str, text: str, html: str, recipients: Iterable[AlertRecipient], what: str
) -> int:
    """Mail each of the recipients; returns how many were. `what` names the mail in the log.

    Raises OSError when it may go later and nobody has it yet: whoever has it does not get it twice for
    the sake of the others.
    """
    mailed, to_repeat = 0, None
    with get_connection() as connection:
        for recipient in recipients:
            message = EmailMultiAlternatives(
                subject, text, to=[recipient.email], connection=connection
            )
            message.attach_alternative(html, "text/html")
            try:
                mailed += message.send()
            except OSError as error:  # Also the base of whatever smtplib raises.
                logger.warning("%s not mailed to recipient %s", what.capitalize(), recipient.pk)
                if not _is_final(error):
                    to_repeat = error
    if to_repeat is not None and not mailed:
        raise to_repeat
    return mailed


def _is_final(error: OSError) -> bool:
    """Whether the mail server has refused the addresses for good."""
    return isinstance(error, SMTPRecipientsRefused) and all(
        code >= FIRST_PERMANENT for code, _words in error.recipients.values()
    )
