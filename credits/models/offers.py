"""What operators sell: plans and packages."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from credits.arguments import MAX_CREDITS

# What one ledger entry can grant.
GRANTABLE = [MinValueValidator(1), MaxValueValidator(MAX_CREDITS)]


class Plan(models.Model):
    """A subscription plan on sale: credits per billing cycle. Edited by operators.

    Accounts and entries keep the figures they were granted by; a change here touches neither.
    """

    handle = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    price_usd = models.DecimalField(max_digits=8, decimal_places=2)
    credits = models.PositiveIntegerField(
        help_text=_("Credits per billing cycle."), validators=GRANTABLE
    )
    on_sale = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Package(models.Model):
    """A one-time purchase on sale: credits that never expire. Edited by operators."""

    handle = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    price_usd = models.DecimalField(max_digits=8, decimal_places=2)
    credits = models.PositiveIntegerField(validators=GRANTABLE)
    on_sale = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
