"""Domains of stores: what is one, and the keyed hash by which an erased one is recognised."""

from __future__ import annotations

import hashlib
import hmac
import re

from django.conf import settings

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", re.IGNORECASE | re.ASCII)


def is_shop_domain(text: str) -> bool:
    """Whether `text` is a store's permanent domain and nothing more."""
    return len(text) <= 255 and _DOMAIN.fullmatch(text) is not None


def hashed_domain(domain: str) -> str:
    """HMAC-SHA256 of the domain under IDENTITY_KEY, 64 hexadecimal digits; no domain looks like it.

    The key never rotates and serves nothing else: with another key a store would get a second trial
    and lose its package credits.
    """
    key = settings.IDENTITY_KEY.encode()
    return hmac.new(key, domain.lower().encode(), hashlib.sha256).hexdigest()


def hashed_mailbox(address: str) -> str:
    """The same of a mailbox. Case and a tag after a plus sign make no other mailbox."""
    local, _at, host = address.strip().lower().rpartition("@")
    return hashed_domain(f"mailbox:{local.partition('+')[0]}@{host}")
