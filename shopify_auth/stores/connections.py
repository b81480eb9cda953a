"""Connections and their API keys: made, rotated, revoked. The secret is shown once and never kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from credits.models import Account
from shopify_auth.models import Connection, Membership, Person, Shop


@dataclass(frozen=True)
class Key:
    """A key as its owner gets it, once. What prints the object does not show the secret."""

    key_id: str
    secret: str = field(repr=False)


def digest(secret: str) -> str:
    """SHA-256 of a random secret, in hexadecimal digits: what is kept of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def connect(shop: Shop, person: Person | None) -> Connection:
    """The person's connection with the store; made when there is none."""
    found, _created = Connection.objects.get_or_create(
        shop=shop, person=person, defaults={"made_at": timezone.now()}
    )
    return found


def issue_key(connection: Connection, scope: str = Connection.Scope.RUN) -> Key:
    """A new key for this connection. The old one stops at once."""
    key = Key(f"evk_{secrets.token_hex(8).upper()}", secrets.token_urlsafe(32))
    Connection.objects.filter(pk=connection.pk).update(
        key_id=key.key_id,
        secret_digest=digest(key.secret),
        scope=scope,
        issued_at=timezone.now(),
        last_used_at=None,
    )
    return key


def revoke_key(connection: Connection) -> bool:
    """Stop the connection's key; False when there was none."""
    return _revoke(Connection.objects.filter(pk=connection.pk)) > 0


def revoke_keys(shop: Shop) -> int:
    """Stop every key of a store; how many there were."""
    return _revoke(Connection.objects.filter(shop=shop))


def end_connections(person: Person, account_id: int) -> None:
    """Take away the person's connections with the account's stores, and with them their keys."""
    Connection.objects.filter(person=person, shop__account_id=account_id).delete()


def key_for(shop: Shop) -> Key:
    """A fresh key for the store's first owner on the web, or an operator's where nobody owns it there."""
    with transaction.atomic():
        owner = (
            Membership.objects.filter(account=shop.account, role=Membership.Role.OWNER)
            .order_by("joined_at", "pk")
            .first()
        )
        return issue_key(connect(shop, owner.person if owner else None))


def _revoke(connections: QuerySet[Connection]) -> int:
    held = connections.exclude(key_id=None)
    return held.update(key_id=None, secret_digest="", issued_at=None)


def has_store(account: Account) -> bool:
    """Whether a store that has the app stands behind this account."""
    return Shop.objects.filter(account=account, state=Shop.State.INSTALLED).exists()


def is_of_store(account: Account) -> bool:
    """Whether a store is behind this account, or was: then it is no workspace."""
    return Shop.objects.filter(account=account).exists()
