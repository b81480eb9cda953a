"""Attempts to sign in that failed, counted here and not in a cache: a cache that is away counts nothing."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SignInFailure(models.Model):
    """One attempt that failed, or has not succeeded yet. `subject` is a keyed hash of whose it was."""

    subject = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["subject", "at"], name="sign_in_failures"),
            models.Index(fields=["at"], name="sign_in_failures_age"),
        ]

    def __str__(self) -> str:
        return f"{self.subject[:8]} {self.at:%Y-%m-%d %H:%M:%S}"
