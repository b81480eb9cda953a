"""The right to a live stream: whose it is, asked again for as long as the stream is open.

A ticket names the person and the session on the web, the store and the member of its staff in the
admin, so that a stream ends with what has opened it. It is encrypted: a session's key is as good as
a password, and a ticket stands in an address.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth import get_user
from django.core import signing
from django.http import HttpRequest

from shopify_auth.encryption import decrypt, encrypt
from shopify_auth.models import Membership, Shop, ShopStaff

if TYPE_CHECKING:
    from ecomvance_app.http import MerchantRequest

TICKET_SECONDS = 60
_SALT = "live-ticket"


@dataclass(frozen=True)
class StreamRight:
    """Who may listen to an account: somebody of a store, or a member by a session on the web."""

    account_id: int
    person_id: int
    shop_id: int = 0
    session_key: str = ""


def right_of(request: MerchantRequest) -> StreamRight:
    """The right of whoever asks now."""
    person_id = request.person.pk if request.person else 0
    if request.shop is not None:
        return StreamRight(request.account.pk, person_id, shop_id=request.shop.pk)
    session_key = request.session.session_key or ""
    return StreamRight(request.account.pk, person_id, session_key=session_key)


def issue_ticket(right: StreamRight) -> str:
    """A text that opens the stream for 60 seconds."""
    return signing.dumps(encrypt(json.dumps(asdict(right))), salt=_SALT)


def read_ticket(ticket: str) -> StreamRight | None:
    """The right that a ticket carries; None for one that is too old or not ours."""
    try:
        sealed = signing.loads(ticket, salt=_SALT, max_age=TICKET_SECONDS)
        return StreamRight(**json.loads(decrypt(sealed)))
    except (signing.BadSignature, InvalidToken, TypeError, ValueError, AttributeError):
        return None


def holds(right: StreamRight) -> bool:
    """Whether the right is still there: asks the database."""
    if right.shop_id:
        return _works_in_shop(right)
    members = Membership.objects.filter(account=right.account_id, person=right.person_id)
    return _is_signed_in(right) and members.filter(person__is_active=True).exists()


def _works_in_shop(right: StreamRight) -> bool:
    staff = ShopStaff.objects.filter(shop=right.shop_id, person=right.person_id)
    return staff.filter(
        shop__account=right.account_id,
        shop__state=Shop.State.INSTALLED,
        person__is_active=True,
    ).exists()


def _is_signed_in(right: StreamRight) -> bool:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(right.session_key)
    return get_user(request).pk == right.person_id
