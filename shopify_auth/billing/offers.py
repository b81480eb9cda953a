"""What can be bought today, and the names by which charges stand on a merchant's Shopify bill.

A name ends in the charge's receipt code, so that a charge whose creation was never answered is
recognised by it; the part before names what was sold, so that even one without a row is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from credits.models import Package, Plan

SEPARATOR = " · "
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan or package at the price and with the credits of today."""

    handle: str
    title: str
    price: Decimal
    credits: int


def plan_offer(plan: Plan) -> Offer:
    """The offer of a plan, per billing cycle of 30 days."""
    title = f"{plan.name} plan, {plan.credits:,} credits"
    return Offer(plan.handle, title, plan.price_usd, plan.credits)


def package_offer(package: Package) -> Offer:
    """The offer of a package."""
    title = f"{package.name} package, {package.credits:,} credits"
    return Offer(package.handle, title, package.price_usd, package.credits)


def charge_name(offer: Offer, receipt: str) -> str:
    """The charge's name on the merchant's bill."""
    return f"{offer.title}{SEPARATOR}{receipt}"


def receipt_of(name: str) -> str:
    """The receipt code in a charge's name; empty when there is none."""
    return name.rpartition(SEPARATOR)[2] if SEPARATOR in name else ""


def title_of(name: str) -> str:
    """What was sold, from a charge's name."""
    return name.rpartition(SEPARATOR)[0]


def recognise(name: str, price: Decimal, currency: str, offers: Iterable[Offer]) -> Offer | None:
    """The offer that a charge with this name and price was made from.

    What Shopify charges in the merchant's own currency cannot be compared and goes by the name.
    """
    title = title_of(name)
    for offer in offers:
        if offer.title == title and (offer.price == price or currency != CURRENCY):
            return offer
    return None
