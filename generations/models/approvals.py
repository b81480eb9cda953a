"""Requests for an owner's word: what costs more than the account's limit, kept until somebody decides."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Approval(models.Model):
    """A run or a batch that was asked for and is above the spending limit. Nothing is charged for it.

    `order` is what was chosen, without its pictures: a list of orders, and for a batch how they run
    together; or which items of a batch that is there are charged, `charge`. `price` is what would have been charged when it was asked for. It
    waits until an owner decides, whoever asked takes it back, or `lapses_at` has come. `decided_by` is
    the owner, `requested_by` whoever asked: the run is theirs.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for an owner")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Taken back")
        LAPSED = "lapsed", _("Lapsed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="approvals")
    key = models.CharField(
        max_length=64, help_text=_("A digest of the idempotency key; its text is not kept.")
    )
    request_digest = models.CharField(max_length=70)
    tool = models.CharField(max_length=40)
    order = models.JSONField(default=dict)
    product_title = models.CharField(max_length=255, blank=True)
    price = models.PositiveIntegerField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    surface = models.CharField(max_length=10)
    created_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    run = models.OneToOneField(
        "generations.Generation", models.PROTECT, null=True, related_name="approval"
    )
    batch = models.ForeignKey(
        "generations.Batch", models.PROTECT, null=True, related_name="approvals"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="approval_key"),
            models.CheckConstraint(
                condition=Q(state="approved", run__isnull=False, batch__isnull=True)
                | Q(state="approved", run__isnull=True, batch__isnull=False)
                | (~Q(state="approved") & Q(run__isnull=True, batch__isnull=True)),
                name="approval_has_what_it_began",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at"], name="approval_list"),
            models.Index(
                fields=["lapses_at"], name="approval_waiting", condition=Q(state="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} for {self.price}, {self.state}"

    @property
    def orders(self) -> list[dict[str, Any]]:
        """What was chosen for each run; nothing once it was forgotten."""
        return list(self.order.get("orders", ()))

    @property
    def together(self) -> dict[str, Any] | None:
        """How a batch's items run together; None for one run."""
        found: dict[str, Any] | None = self.order.get("together")
        return found

    @property
    def charge(self) -> dict[str, Any] | None:
        """Which items of a batch that is there are charged: `batch_id`, `verb` and `count`."""
        found: dict[str, Any] | None = self.order.get("charge")
        return found


class ApprovalPicture(models.Model):
    """A clean picture that a request for approval keeps until it is decided."""

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="pictures")
    item = models.PositiveSmallIntegerField(default=0, help_text=_("Which order of a batch."))
    role = models.CharField(max_length=9)
    position = models.PositiveSmallIntegerField(default=0)
    file = models.CharField(max_length=200)
    preview = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["approval", "item", "role", "position"], name="approval_picture_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.position} of item {self.item} of {self.approval_id}"
