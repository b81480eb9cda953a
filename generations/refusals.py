"""What a merchant is told when a run cannot be paid: one wording for the pages and the API."""

from __future__ import annotations

from django.utils.formats import localize
from django.utils.translation import ngettext

from credits.ledger import InsufficientCredits


def missing_credits(error: InsufficientCredits) -> str:
    """What is needed, what is there and what is missing, with amounts as the locale writes them."""
    sentence = ngettext(
        "%(needed)s credits are needed and you have %(available)s: %(short)s is missing. "
        "Nothing was charged.",
        "%(needed)s credits are needed and you have %(available)s: %(short)s are missing. "
        "Nothing was charged.",
        error.short_by,
    )
    return sentence % {
        "needed": localize(error.needed),
        "available": localize(error.available),
        "short": localize(error.short_by),
    }
