"""Talks with the assistant, how often it was asked, and which hints are not wanted any more."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Conversation(models.Model):
    """What a merchant asked the assistant, and its answers; kept for 30 days after the last word."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="conversations")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    title = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-updated_at"], name="conversations_of_account"),
            models.Index(fields=["updated_at"], name="conversation_age"),
        ]

    def __str__(self) -> str:
        return f"Conversation {self.pk}"


class ChatMessage(models.Model):
    """One message of a conversation. `drafts` and `sources` stand under an answer.

    An answer that was stopped or broke off keeps what had been said by then.
    """

    class Role(models.TextChoices):
        USER = "user", _("You")
        ASSISTANT = "assistant", _("Assistant")

    class State(models.TextChoices):
        COMPLETE = "complete", _("Complete")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Broken off")

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    role = models.CharField(max_length=9, choices=Role)
    state = models.CharField(max_length=8, choices=State, default=State.COMPLETE)
    text = models.TextField(blank=True)
    drafts = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=list, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.role} in {self.conversation_id}"


class AssistDay(models.Model):
    """How many questions an account has asked on one of its days; deleting them counts none back."""

    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="+")
    day = models.DateField()
    questions = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "day"], name="one_assist_day")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class DismissedHint(models.Model):
    """A hint that an account does not want to see again."""

    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "name"], name="a_hint_is_dismissed_once")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.name}"
