"""Runs of tools: what was asked for, what it cost, what came out."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generations.models.batches import Batch


class Generation(models.Model):
    """One run. Its price, spend and request are fixed when it is asked for.

    `products` are those whose photos went in, in order, as `[id, photo id]`, with two empty texts in the
    place of each upload among them; nothing for uploads alone. `product_id` is the first.
    `list_price` is the price list's, `price` what was really taken: nothing for a sandbox render.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Outcome(models.TextChoices):
        NONE = "", _("Not known yet")
        DELIVERED = "delivered", _("Delivered")
        PLATFORM_ERROR = "platform_error", _("Platform error")
        PROVIDER_ERROR = "provider_error", _("AI provider failure")
        CONTENT_POLICY = "content_policy", _("Content policy")
        TIMEOUT = "timeout", _("Timeout")
        USER_CANCELLED = "user_cancelled", _("Cancelled during processing")
        CANCELLED_IN_QUEUE = "cancelled_in_queue", _("Cancelled before it began")
        INVALID_INPUT = "invalid_input", _("Invalid input")

    class Step(models.TextChoices):
        """How far long work is while the run is running.

        SUBMITTING is committed before the provider is asked and SUBMITTED with the provider's
        handle: work found in between may be billed already and is never sent again.
        """

        NONE = "", _("Here")
        SUBMITTING = "submitting", _("Being handed over")
        SUBMITTED = "submitted", _("At the provider")

    class Review(models.TextChoices):
        """What a person has decided on a result; nothing yet for one that is to be reviewed."""

        NONE = "", _("To review")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    FINAL: ClassVar = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="generations")
    key = models.CharField(
        max_length=150, help_text=_("A digest of the idempotency key; its text is not kept.")
    )
    request_digest = models.CharField(max_length=70)
    tool = models.CharField(max_length=40)
    resolution = models.CharField(max_length=2, blank=True)
    seconds = models.PositiveSmallIntegerField(null=True)
    prompt = models.TextField(blank=True)
    options = models.JSONField(default=dict, blank=True)
    product_data = models.JSONField(default=dict, blank=True)
    products = models.JSONField(default=list, blank=True)
    product_id = models.CharField(max_length=100, blank=True)
    product_title = models.CharField(max_length=255, blank=True)
    price = models.PositiveIntegerField()
    list_price = models.PositiveIntegerField(default=0)
    spend = models.OneToOneField(
        "credits.LedgerEntry", models.PROTECT, null=True, related_name="generation"
    )
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="generations"
    )
    surface = models.CharField(max_length=10)

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    error = models.CharField(max_length=500, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=60, blank=True)
    label = models.CharField(max_length=10, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    step = models.CharField(max_length=10, choices=Step, blank=True)
    handle = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Both by the database's clock: when the lease ends, and since when it is known to have ended.
    lease_until = models.DateTimeField(null=True)
    suspected_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    poll_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    review = models.CharField(max_length=8, choices=Review, blank=True)
    # When the merchant deleted it, and when its pictures were deleted for good.
    deleted_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)
    # What the product-truth check has found: a state and findings; empty where none is made.
    truth = models.JSONField(default=dict, blank=True)
    # For runs older than the rule that pictures are not kept for ever: when it came. And when the
    # account was told that they go.
    kept_from = models.DateTimeField(null=True)
    expiry_told_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="generation_key"),
            models.CheckConstraint(
                condition=Q(spend__isnull=False) | Q(price=0), name="generation_paid_by_a_spend"
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded", outcome="delivered")
                | Q(
                    state="failed",
                    outcome__in=[
                        "platform_error",
                        "provider_error",
                        "content_policy",
                        "timeout",
                        "invalid_input",
                    ],
                )
                | Q(state="cancelled", outcome__in=["user_cancelled", "cancelled_in_queue"])
                | Q(state__in=["queued", "running"], outcome=""),
                name="generation_outcome_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False, poll_at__isnull=True)
                | Q(
                    ~Q(handle=""),
                    state="running",
                    step="submitted",
                    lease_until__isnull=True,
                    poll_at__isnull=False,
                )
                | (~Q(state="running") & Q(lease_until__isnull=True, poll_at__isnull=True)),
                name="generation_under_lease_or_poll",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at", "-id"], name="generation_history"),
            models.Index(
                fields=["tool", "-created_at"],
                name="generation_delivered",
                condition=Q(state="succeeded"),
            ),
            models.Index(
                fields=["state"],
                name="generation_unfinished",
                condition=Q(state__in=["queued", "running"]),
            ),
            # What failed in an hour or a month, for staff.
            models.Index(
                fields=["finished_at"], name="generation_failures", condition=Q(state="failed")
            ),
            models.Index(
                fields=["poll_at"], name="generation_polls", condition=Q(poll_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.id}"

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in self.FINAL

    @property
    def message(self) -> str:
        """What went wrong, in the language of whoever reads; empty when nothing did."""
        return gettext(self.error) if self.error else ""

    @property
    def plan_part(self) -> int:
        """What of the price plan credits paid. Reads the spend, so select it along."""
        return -self.spend.plan_delta if self.spend else 0

    @property
    def restored(self) -> int:
        """Credits of it that came back. Reads the spend's restoration, so select it along."""
        restoration = getattr(self.spend, "restoration", None) if self.spend else None
        return restoration.credits if restoration is not None else 0

    @property
    def package_part(self) -> int:
        """What of the price package credits paid. Reads the spend, so select it along."""
        return -self.spend.package_delta if self.spend else 0


class Picture(models.Model):
    """A file or text of a run: a picture that went in, or an image, video or text that came out.

    `file` is the master, the provider's bytes untouched; `preview` a small WebP of it, a still of a
    video; both are empty for text. Width and height are pixels, `seconds` a video's length, `name`
    the merchant's own file name, which serves for downloads alone.
    """

    class Role(models.TextChoices):
        INPUT = "input", _("Original")
        MASK = "mask", _("Mask")
        REFERENCE = "reference", _("Reference")
        OUTPUT = "output", _("Result")

    class Kind(models.TextChoices):
        IMAGE = "image", _("Image")
        VIDEO = "video", _("Video")
        TEXT = "text", _("Text")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, models.CASCADE, related_name="pictures")
    role = models.CharField(max_length=9, choices=Role)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.IMAGE)
    position = models.PositiveSmallIntegerField(default=0)
    file = models.CharField(max_length=200, blank=True)
    preview = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    text = models.JSONField(null=True)
    edited = models.JSONField(
        null=True, help_text=_("A text as the merchant has changed it; empty until then.")
    )
    strokes = models.JSONField(
        null=True,
        help_text=_("What was painted on a cut-out by hand; empty but on what came of it."),
    )
    size = models.PositiveIntegerField(help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["generation", "role", "position"], name="picture_place"
            ),
            models.CheckConstraint(
                condition=(Q(kind="text", text__isnull=False) & ~Q(role="input"))
                | (
                    Q(kind__in=["image", "video"], width__isnull=False, height__isnull=False)
                    & ~Q(file="")
                ),
                name="picture_shape_of_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.position} of {self.generation_id}"

    @property
    def words(self) -> dict[str, Any] | None:
        """A text as it stands now: the merchant's own version where there is one."""
        return self.edited if self.edited is not None else self.text
