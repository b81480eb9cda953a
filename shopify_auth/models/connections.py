"""People of the web at a store's account: the wish to come, and the connection with its API key."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from shopify_auth.models.people import Membership


class LinkRequest(models.Model):
    """A web person and a store that want to come together. Neither side alone is enough.

    A link or a code leads the other side here; the store's owner approves inside the admin and gives
    the role, then the person confirms on the web. Times are real time.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        APPROVED = "approved", _("Approved by the store")
        LINKED = "linked", _("Linked")
        DECLINED = "declined", _("Declined")

    class Way(models.TextChoices):
        PLUGIN = "plugin", _("From Shopify")
        WEB = "web", _("From the web")
        CODE = "code", _("By code")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    way = models.CharField(max_length=6, choices=Way)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    domain = models.CharField(
        max_length=255, blank=True, db_index=True, help_text=_("Empty until a store has come.")
    )
    person = models.ForeignKey(
        "shopify_auth.Person", models.CASCADE, null=True, blank=True, related_name="link_requests"
    )
    secret_digest = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text=_("Of the link or code that leads the other side here; empty once it was used."),
    )
    secret_expires_at = models.DateTimeField(null=True, blank=True)
    role = models.CharField(max_length=10, choices=Membership.Role, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        "shopify_auth.Person", models.SET_NULL, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.way} {self.state}"

    def is_live(self, now: datetime) -> bool:
        """Whether it can still lead to a connection."""
        return self.state in (self.State.OPEN, self.State.APPROVED) and now < self.expires_at


class Connection(models.Model):
    """A person's link to a store, with the key by which their programs use the API.

    Of the secret only its SHA-256 is kept. Without a person the key was made by an operator. Times are
    real time.
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read balance, tools, runs and usage")
        RUN = "run", _("Read, and run tools")

    shop = models.ForeignKey("shopify_auth.Shop", models.CASCADE, related_name="connections")
    person = models.ForeignKey(
        "shopify_auth.Person", models.CASCADE, null=True, blank=True, related_name="connections"
    )
    made_at = models.DateTimeField()
    scope = models.CharField(max_length=4, choices=Scope, default=Scope.RUN)
    key_id = models.CharField(max_length=32, unique=True, null=True, blank=True)
    secret_digest = models.CharField(max_length=64, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shop", "person"], name="connection_once"),
            models.UniqueConstraint(
                fields=["shop"],
                condition=models.Q(person=None),
                name="connection_of_operator_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person or 'Operator'} at {self.shop}"

    @property
    def ending(self) -> str:
        """The end of the key's id, by which people tell keys apart; empty without a key."""
        return (self.key_id or "")[-4:]
