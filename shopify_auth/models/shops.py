"""Shopify stores, who works in them, and the proof of what was erased."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Shop(models.Model):
    """A Shopify store and the account it draws on. One row per domain, for life.

    Redaction replaces the domain by its keyed hash, so that the store can be recognised when it
    comes back: its package credits are still there and its trial is used.
    """

    class State(models.TextChoices):
        INSTALLED = "installed", _("Installed")
        UNINSTALLED = "uninstalled", _("Uninstalled")
        REDACTED = "redacted", _("Redacted")

    domain = models.CharField(max_length=255, unique=True)
    account = models.ForeignKey(
        "credits.Account",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="shops",
        help_text=_("Empty only while the store's first page load is under way."),
    )
    state = models.CharField(max_length=12, choices=State, default=State.INSTALLED)
    name = models.CharField(max_length=200, blank=True)
    shopify_id = models.CharField(
        max_length=20,
        blank=True,
        db_index=True,
        help_text=_("The number in Shopify's global id; some webhooks name the store by it alone."),
    )
    email = models.EmailField(
        blank=True, help_text=_("The store's own address; nothing is mailed there unasked.")
    )
    currency = models.CharField(max_length=3, blank=True)
    plan = models.CharField(
        max_length=60, blank=True, help_text=_("The store's plan at Shopify, as Shopify names it.")
    )
    details_read_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the store was last asked about itself.")
    )
    scopes = models.JSONField(default=list, blank=True)
    is_development_store = models.BooleanField(
        default=False, help_text=_("Shopify never bills it, so its test charges are real here.")
    )
    installed_at = models.DateTimeField()
    uninstalled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.domain


class ShopStaff(models.Model):
    """A store's staff member, known by the user id in the session token and by nothing else."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="staff")
    shopify_user_id = models.CharField(max_length=40)
    person = models.OneToOneField("shopify_auth.Person", models.CASCADE, related_name="shop_staff")
    is_account_owner = models.BooleanField(
        default=False, help_text=_("By Shopify's word: the store's account owner.")
    )
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When Shopify was asked for that, in real time.")
    )

    class Meta:
        verbose_name_plural = "shop staff"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shop", "shopify_user_id"], name="shop_staff_once"),
        ]

    def __str__(self) -> str:
        return f"{self.shopify_user_id} of {self.shop}"


class Erasure(models.Model):
    """Proof that a store's data was erased: what, how many and when, with nobody's data in it."""

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="erasures")
    erased_at = models.DateTimeField()
    counts = models.JSONField(help_text=_("How many of each kind of object were erased."))

    def __str__(self) -> str:
        return f"{self.shop} {self.erased_at:%Y-%m-%d %H:%M}"
