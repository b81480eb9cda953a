"""Who gets an account's mails: addresses that have agreed to it by the link in a first mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from credits.models import Account, AlertRecipient
from credits.refusals import Refusal
from ecomvance_app import live

LINK_LIFE = timedelta(days=7)
# Nobody's mailbox is filled by pressing a button.
ASK_AGAIN_AFTER = timedelta(minutes=10)
MOST_ASKED_IN_A_DAY = 30
_SALT = "credits.recipients"


class RecipientRefused(Refusal):
    """The address was not asked."""


def enabled(account_id: int) -> QuerySet[AlertRecipient]:
    """The account's addresses, confirmed or not."""
    return AlertRecipient.objects.filter(account_id=account_id, enabled=True).order_by("email")


def to_mail(account_id: int) -> QuerySet[AlertRecipient]:
    """Whom the account's mails go to: who has confirmed."""
    found = AlertRecipient.objects.filter(account_id=account_id, enabled=True)
    return found.exclude(confirmed_at=None).order_by("pk")


def waiting(account_id: int) -> QuerySet[AlertRecipient]:
    """Whose confirmation is waited for."""
    found = AlertRecipient.objects.filter(account_id=account_id, enabled=True)
    return found.filter(confirmed_at=None).order_by("email")


def add_confirmed(account_id: int, email: str) -> None:
    """Mail this address too; it is known to be the person's own."""
    AlertRecipient.objects.update_or_create(
        account_id=account_id,
        email=email.lower(),
        defaults={"enabled": True, "confirmed_at": timezone.now()},
    )


def replace(account_id: int, addresses: Iterable[str], own: str = "") -> list[AlertRecipient]:
    """Make these the account's addresses; returns those that are new and have to be asked.

    `own` is the address that whoever says so has signed in with: it has been confirmed already.
    """
    wanted = [address.lower() for address in addresses]
    with transaction.atomic():
        kept = AlertRecipient.objects.filter(account_id=account_id)
        _drop(kept.exclude(email__in=wanted))
        known = set(kept.filter(enabled=True).values_list("email", flat=True))
        new = [address for address in wanted if address not in known]
        for address in new:
            if address == own.lower():
                add_confirmed(account_id, address)
            else:
                AlertRecipient.objects.update_or_create(
                    account_id=account_id, email=address, defaults={"enabled": True}
                )
    return list(waiting(account_id).filter(email__in=new))


def ask(recipient: AlertRecipient) -> None:
    """Mail the link by which the address agrees. RecipientRefused too often, or with no mail server."""
    now = timezone.now()
    asked = AlertRecipient.objects.filter(
        account_id=recipient.account_id, asked_at__gt=now - timedelta(days=1)
    )
    if recipient.asked_at is not None and now - recipient.asked_at < ASK_AGAIN_AFTER:
        raise RecipientRefused(
            _("An email is on its way. Try again in 10 minutes."), "asked_lately"
        )
    if asked.count() >= MOST_ASKED_IN_A_DAY:
        raise RecipientRefused(_("Too many addresses were asked today. Try again tomorrow."))
    url = f"{settings.APP_URL}{reverse('recipient', args=[_token(recipient)])}"
    account = recipient.account
    text = _(
        "%(account)s wants to send you emails about its credits on ecomVance.\n\n"
        "Agree here within 7 days:\n%(url)s\n\n"
        "If you do not know why, ignore this email. You will get no more.\n"
    ) % {"account": account.name or _("A store"), "url": url}
    try:
        send_mail(_("ecomVance: Confirm your email address"), text, None, [recipient.email])
    except OSError:
        sentence = _("The email to %(address)s could not be sent. Send it again in a minute.")
        raise RecipientRefused(sentence % {"address": recipient.email}) from None
    recipient.asked_at = now
    recipient.save(update_fields=["asked_at"])


def find(token: str) -> AlertRecipient | None:
    """The address behind a link, while it still belongs to the account."""
    try:
        named = signing.loads(token, salt=_SALT, max_age=LINK_LIFE)
    except signing.BadSignature:
        return None
    found = AlertRecipient.objects.select_related("account").filter(pk=named, enabled=True)
    return found.first()


def confirm(token: str) -> AlertRecipient | None:
    """The address agrees; None for a link that is no longer good."""
    found = find(token)
    if found is not None and found.confirmed_at is None:
        found.confirmed_at = timezone.now()
        found.save(update_fields=["confirmed_at"])
        # Open pages say no longer that the address has to answer.
        live.publish(found.account_id, "balance")
    return found


def remove(account: Account, email: str) -> None:
    """Mail the account's mails to this address no more."""
    _drop(AlertRecipient.objects.filter(account=account, email=email))


def _drop(gone: QuerySet[AlertRecipient]) -> None:
    """Mail these no more. Who was asked today is remembered, or asking again would count from naught."""
    lately = Q(asked_at__gt=timezone.now() - timedelta(days=1))
    gone.exclude(lately).delete()
    gone.filter(lately).update(enabled=False, confirmed_at=None)


def _token(recipient: AlertRecipient) -> str:
    return signing.dumps(recipient.pk, salt=_SALT)
