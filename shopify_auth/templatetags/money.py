"""How prices are written. Amounts are what Shopify was asked to charge; nothing is converted."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils.formats import number_format

register = template.Library()

CENT = Decimal("0.01")
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


@register.filter
def money(amount: Decimal, currency: str = "USD") -> str:
    """A price with its currency, to the cent, half a cent up: "$19", "$0.13", "CAD 25.50"."""
    amount = amount.quantize(CENT, ROUND_HALF_UP)
    whole = amount == amount.to_integral_value()
    figure = number_format(amount, decimal_pos=0 if whole else 2, force_grouping=True)
    sign = _SIGNS.get(currency)
    return f"{sign}{figure}" if sign else f"{currency} {figure}"


@register.filter
def shared_by(amount: Decimal, count: int) -> Decimal:
    """The part of a price that falls on one of `count` things it pays for."""
    return amount / count if count else amount
