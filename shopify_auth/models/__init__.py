"""Identity: people, their accounts, and the shops that share an account's balance."""

from __future__ import annotations

from shopify_auth.models.people import Membership, Person
from shopify_auth.models.shops import Shop

__all__ = ["Membership", "Person", "Shop"]
