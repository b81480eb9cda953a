"""Keys of staff's corrections: made by the server, in a namespace of their own.

A form carries its key signed, so that a second press changes nothing; no browser can choose one and
take the key that a later purchase will need.
"""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_signer = signing.Signer(salt="staff-correction")


def new_key() -> str:
    """A fresh key as a form carries it."""
    return _signer.sign(uuid.uuid4().hex)


class ServerKeyField(forms.CharField):
    """The hidden key of a form; its value is the ledger's key, `staff:…`."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput, initial=new_key, max_length=200)

    def clean(self, value: Any) -> str:
        """The key, if the server made it."""
        try:
            return f"staff:{_signer.unsign(super().clean(value))}"
        except signing.BadSignature:
            raise ValidationError(_("Open this page again: its key is not ours.")) from None
