"""What a merchant is told when Shopify does not do what was asked. No word comes from Shopify."""

from __future__ import annotations

from django.utils.translation import gettext as _

from shopify_auth.admin_api.errors import (
    AccessRefused,
    ShopifyError,
    ShopifyUnavailable,
    StoreFrozen,
    StoreLocked,
    SubjectTokenRefused,
)


def not_started(error: ShopifyError) -> str:
    """Why no charge was started, and what can be done: silence is another thing than a refusal."""
    return f"{_reason(error)} {_('Nothing was charged.')} {_advice(error)}"


def not_known_to_be_cancelled(error: ShopifyError) -> str:
    """Why nobody can say yet whether the plan is cancelled: the answer itself may have been lost."""
    follow = _("We are finding out whether your plan is cancelled. This page updates when we know.")
    return f"{_reason(error)} {follow}"


def _reason(error: ShopifyError) -> str:
    if isinstance(error, ShopifyUnavailable):
        return _("Shopify did not answer.")
    if isinstance(error, StoreFrozen):
        return _("Shopify has frozen this store because of an unpaid bill.")
    if isinstance(error, StoreLocked):
        return _("Shopify has locked this store.")
    if isinstance(error, AccessRefused | SubjectTokenRefused):
        return _("Shopify no longer gives ecomVance access to this store.")
    return _("Shopify refused the request.")


def _advice(error: ShopifyError) -> str:
    if isinstance(error, ShopifyUnavailable):
        return _("Try again in a moment.")
    if isinstance(error, StoreFrozen):
        return _("Pay the bill in Shopify, then try again.")
    if isinstance(error, StoreLocked):
        return _("Ask Shopify's support to unlock it.")
    if isinstance(error, AccessRefused | SubjectTokenRefused):
        return _("Open ecomVance in your Shopify admin, then try again.")
    return _("Trying again will not help: write to ecomVance support.")
