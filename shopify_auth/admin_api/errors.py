"""What can go wrong with Shopify, by what can be done about it.

The texts are for logs and staff. Nothing in them comes from a token or a request header.
"""

from __future__ import annotations


class ShopifyError(Exception):
    """Shopify did not do what was asked."""


class ShopifyUnavailable(ShopifyError):  # noqa: N818 - says what is the case
    """No usable answer within the time allowed: time-outs, 5xx, 429 or THROTTLED to the end."""


class AccessRefused(ShopifyError):  # noqa: N818
    """The store refuses our token, also a fresh one: uninstalled, or the grant is dead."""


class GrantRefused(ShopifyError):  # noqa: N818
    """The token endpoint gives no new pair: the app is not installed there, or our credentials are
    wrong. Whether the store has left is told by its Admin API alone."""


class NeedsReopen(AccessRefused):
    """Only a merchant who opens the app in the admin can give access again."""


class SubjectTokenRefused(ShopifyError):  # noqa: N818
    """The session token was too old to be exchanged: the page has to ask for a fresh one."""


class TokenAnswerIncomplete(ShopifyError):  # noqa: N818
    """A token came without its expiry or its refresh token: not stored, it could never be renewed."""


class StoreFrozen(ShopifyError):  # noqa: N818
    """402: the store does not pay Shopify, its API is closed until it does."""


class StoreLocked(ShopifyError):  # noqa: N818
    """423: Shopify has locked the store."""


class AccessDenied(ShopifyError):  # noqa: N818
    """403 or ACCESS_DENIED: a missing scope, an address that is not on the app's IP allow-list,
    or a token that does not expire."""


class QueryFailed(ShopifyError):  # noqa: N818
    """Top-level GraphQL errors, or a payload that is null. `codes` are Shopify's."""

    def __init__(self, document: str, messages: list[str], codes: list[str]) -> None:
        super().__init__(f"{document}: {'; '.join(messages)}")
        self.messages = messages
        self.codes = codes


class UserErrors(ShopifyError):  # noqa: N818
    """A mutation's own userErrors: the request was understood and declined."""

    def __init__(self, document: str, messages: list[str]) -> None:
        super().__init__(f"{document}: {'; '.join(messages)}")
        self.messages = messages
