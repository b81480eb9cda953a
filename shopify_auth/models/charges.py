"""What merchants bought through Shopify, as it was sold, and how it was last compared with Shopify."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from shopify_auth.models.shops import Shop

RECEIPT_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_reference() -> str:
    """What the return address carries: nobody can guess it, and it gives no right to anything."""
    return secrets.token_urlsafe(24)


def new_receipt() -> str:
    """The short code in a charge's name, by which a charge is found whose answer was lost."""
    return "".join(secrets.choice(RECEIPT_ALPHABET) for _digit in range(8))


class Charge(models.Model):
    """What a subscription and a one-time purchase have in common.

    Written before Shopify is asked for the charge: price and credits are frozen as they were
    offered, and a lost answer can be recognised. `gid` is empty until Shopify has answered.
    """

    class Status(models.TextChoices):
        REQUESTED = "REQUESTED", _("Being prepared")
        PENDING = "PENDING", _("Waiting for approval")
        ACTIVE = "ACTIVE", _("Active")
        DECLINED = "DECLINED", _("Declined")
        EXPIRED = "EXPIRED", _("Not approved in time")
        FROZEN = "FROZEN", _("Frozen: the bill is unpaid")
        CANCELLED = "CANCELLED", _("Ended")
        REFUSED = "REFUSED", _("Refused by Shopify")

    OPEN: ClassVar[tuple[str, ...]] = (Status.REQUESTED, Status.PENDING)
    FINAL: ClassVar[tuple[str, ...]] = (
        Status.DECLINED,
        Status.EXPIRED,
        Status.CANCELLED,
        Status.REFUSED,
    )

    if TYPE_CHECKING:
        shop: models.ForeignKey[Shop, Shop]

    gid = models.CharField(max_length=100, unique=True, null=True, blank=True)
    reference = models.CharField(max_length=40, unique=True, default=new_reference)
    receipt = models.CharField(max_length=8, unique=True, default=new_receipt)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    name = models.CharField(max_length=120, help_text=_("As on the merchant's Shopify bill."))
    handle = models.SlugField(help_text=_("Which plan or package was sold."))
    credits = models.PositiveIntegerField(help_text=_("Credits it was sold with."))
    price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    billed_price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("What Shopify charges for it, in the currency it charges."),
    )
    billed_currency = models.CharField(max_length=3, blank=True)
    test = models.BooleanField(default=False, help_text=_("A test charge: Shopify bills nothing."))
    surface = models.CharField(max_length=8, default="embedded")
    confirmation_url = models.URLField(max_length=500, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    returned_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the merchant came back from the approval page.")
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name}: {self.status}"

    @property
    def is_open(self) -> bool:
        """Whether Shopify has still to say how it ends."""
        return self.status in self.OPEN

    def counts(self) -> bool:
        """Whether it brings anything here: not a test charge, unless the store never pays Shopify.

        `SubscriptionQuerySet.counting` says the same to the database.
        """
        return not self.test or settings.DEBUG or self.shop.is_development_store

    @property
    def charged_price(self) -> Decimal:
        """What the merchant pays, in `charged_currency`; as it was sold until Shopify has said."""
        return self.price if self.billed_price is None else self.billed_price

    @property
    def charged_currency(self) -> str:
        """The currency in which Shopify charges the merchant."""
        return self.billed_currency or self.currency


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Subscriptions by what they bring."""

    def counting(self) -> Self:
        """Those of which `Charge.counts` says yes."""
        return self if settings.DEBUG else self.exclude(test=True, shop__is_development_store=False)


class Subscription(Charge):
    """A plan billed every 30 days. A store has one that is active or frozen, at most."""

    RUNNING: ClassVar[tuple[str, ...]] = (Charge.Status.ACTIVE, Charge.Status.FROZEN)

    shop = models.ForeignKey("shopify_auth.Shop", models.PROTECT, related_name="subscriptions")
    replaces_later = models.BooleanField(
        default=False, help_text=_("A downgrade: it begins when the running period ends.")
    )
    anchor = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("What 30-day periods are counted from when Shopify names no period end."),
    )
    current_period_end = models.DateTimeField(null=True, blank=True)
    granted_until = models.DateTimeField(
        null=True, blank=True, help_text=_("End of the last period whose credits were granted.")
    )
    cancel_reason = models.CharField(
        max_length=500,
        blank=True,
        help_text=_("What the merchant gave as the reason, if anything."),
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["shop", "-created_at"], name="subscription_by_shop"),
        ]


class Purchase(Charge):
    """A package, paid once."""

    shop = models.ForeignKey("shopify_auth.Shop", models.PROTECT, related_name="purchases")
    granted_at = models.DateTimeField(null=True, blank=True)
    clawed_back_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When staff took the credits back.")
    )
    clawback_note = models.CharField(
        max_length=500, blank=True, help_text=_("Why, how many, and how many were used already.")
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["shop", "-created_at"], name="purchase_by_shop"),
        ]


class BillingCheck(models.Model):
    """When a store's charges were last compared with Shopify's, and when they are due again.

    `begun` numbers the readings of Shopify, `applied` is the newest one written down: a reading that
    was overtaken by a later one is dropped, so that an old answer never undoes a new one. `tried_at`
    is when a comparison last began or was sent to a worker, whether or not Shopify answered. Until
    `place_until` the store has its place among the comparisons, of which it takes one at a time.
    """

    shop = models.OneToOneField(
        "shopify_auth.Shop", models.CASCADE, related_name="billing_check", primary_key=True
    )
    begun = models.PositiveBigIntegerField(default=0)
    applied = models.PositiveBigIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    place_until = models.DateTimeField(null=True, blank=True, db_index=True)
    due_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], name="billing_check_due", condition=Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop}: {self.error or self.checked_at}"


class BillingDifference(models.Model):
    """Something about a charge that staff should look at; each is written once."""

    class Kind(models.TextChoices):
        UNKNOWN = "unknown", _("Shopify shows a charge that was never offered")
        TEST = "test", _("Test charge in a store that is not a development store")
        PRICE = "price", _("Shopify's price is not the one it was sold at")
        LATE = "late", _("Found by the nightly comparison only")
        TWO_PLANS = "two_plans", _("Two stores of one account pay for a plan")
        SMALLER = "smaller", _("A smaller plan began within a larger one's period")

    shop = models.ForeignKey(
        "shopify_auth.Shop", models.PROTECT, related_name="billing_differences"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    gid = models.CharField(max_length=100)
    detail = models.CharField(max_length=300, blank=True)
    noticed_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["shop", "kind", "gid", "detail"], name="billing_difference_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop}: {self.kind} {self.gid}"
