"""Secrets at rest: a text column that is encrypted with keys of its own, which can rotate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


def _ciphers() -> list[Fernet]:
    return [Fernet(key) for key in settings.TOKEN_KEYS]


def encrypt(text: str) -> str:
    """`text` under the first key of TOKEN_KEYS; an empty text stays empty."""
    return MultiFernet(_ciphers()).encrypt(text.encode()).decode() if text else ""


def decrypt(ciphertext: str) -> str:
    """What `encrypt` was given, under any key of TOKEN_KEYS; InvalidToken when none fits."""
    return MultiFernet(_ciphers()).decrypt(ciphertext.encode()).decode() if ciphertext else ""


def is_current(ciphertext: str) -> bool:
    """Whether the first key of TOKEN_KEYS wrote this; after a rotation older rows say no."""
    if not ciphertext:
        return True
    try:
        _ciphers()[0].decrypt(ciphertext.encode())
    except InvalidToken:
        return False
    return True


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """A text that the database never sees. It cannot be searched or compared in a query."""

    def get_prep_value(self, value: Any) -> str:
        return encrypt(str(value or ""))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper
    ) -> str:
        return decrypt(value or "")
