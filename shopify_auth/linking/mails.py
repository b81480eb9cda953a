"""Mails about who may work in an account."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.translation import gettext as _

from credits.models import Account
from shopify_auth.models import Invitation, Membership, Person

logger = logging.getLogger(__name__)


def tell_linked(account: Account, person: Person) -> None:
    """Tell all owners of the account who has joined it. A mail that is lost undoes nothing."""
    owners = Membership.objects.filter(account=account, role=Membership.Role.OWNER)
    addresses = owners.exclude(person__email=None).values_list("person__email", flat=True)
    settings_url = f"{settings.APP_URL}{reverse('web:people')}"
    text = _(
        "%(person)s can now work in %(account)s.\n\nIf this is wrong, remove them here:\n%(url)s\n"
    ) % {"person": person.email or person, "account": account.name, "url": settings_url}
    for address in addresses:
        try:
            send_mail(_("ecomVance: Somebody joined your account"), text, None, [str(address)])
        except OSError:
            logger.warning("An owner of account %s was not told of a new member", account.pk)


def invite(invitation: Invitation, token: str) -> None:
    """Send the invitation's link; OSError when it cannot be sent now."""
    url = f"{settings.APP_URL}{reverse('invitation', args=[token])}"
    text = _(
        "You are invited to work in %(account)s with ecomVance.\n\nAccept here within 7 days:\n%(url)s\n\n"
        "If you do not know why, ignore this email.\n"
    ) % {"account": invitation.account.name or "ecomVance", "url": url}
    send_mail(_("ecomVance: You are invited"), text, None, [invitation.email])
