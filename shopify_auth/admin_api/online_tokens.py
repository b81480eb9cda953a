"""The online token: Shopify's word on which staff member is asking. It is read and thrown away.

Source: Shopify's documentation, "Token exchange", `associated_user.account_owner`.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopify_auth.admin_api import client
from shopify_auth.admin_api.errors import GrantRefused

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
_ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Who is asking, by Shopify's word; the name is empty where Shopify gives none."""

    is_account_owner: bool
    name: str


def who_asks(domain: str, session_token: str) -> StaffMember:
    """Whom the session token speaks for; ShopifyError if nobody can say."""
    answer = client.ask_for_token(
        domain,
        grant_type=_EXCHANGE,
        subject_token=session_token,
        subject_token_type=_ID_TOKEN,
        requested_token_type=_ONLINE,
    )
    if answer.status != 200:
        raise GrantRefused(f"{domain}: {answer.status} {answer.error or 'no reason given'}")
    user = answer.fields.get("associated_user")
    if not isinstance(user, dict):
        return StaffMember(is_account_owner=False, name="")
    names = [str(user.get(part) or "").strip() for part in ("first_name", "last_name")]
    return StaffMember(
        is_account_owner=user.get("account_owner") is True,
        name=" ".join(name for name in names if name)[:150],
    )
