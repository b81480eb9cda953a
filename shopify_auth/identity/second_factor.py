"""The second factor's codes: each is good once, whatever the cache does, and recovery codes are saved.

allauth remembers used codes of an authenticator app in the cache, which forgets them when Redis is
away. Here the last one that was taken stands with the authenticator in the database, and whoever
uses a code holds the person's authenticators, so of two at once one is judged after the other.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from ecomvance_app.http import public
from shopify_auth.identity import sign_in_limits
from shopify_auth.models import Person

LAST_TAKEN = "last_counter"
SAVED_AT = "saved_at"


class _LimitedCode:
    """A form for a code of the second factor, of which only a few are judged, and each taken once."""

    user: Any

    def clean_code(self) -> str:
        """The code, if it is right and was not taken before."""
        attempt = sign_in_limits.begin_second_factor(self.user.pk)
        if attempt is None:
            raise get_adapter().validation_error("too_many_login_attempts")
        with transaction.atomic():
            held = list(Authenticator.objects.select_for_update().filter(user=self.user))
            code: str = super().clean_code()  # type: ignore[misc]
            for authenticator in held:
                if authenticator.type == Authenticator.Type.TOTP and not _take(authenticator, code):
                    raise get_adapter().validation_error("incorrect_code")
        attempt.take_back()
        return code


class SecondFactorForm(_LimitedCode, AuthenticateForm):  # type: ignore[misc]
    """At sign-in."""


class SecondFactorAgainForm(_LimitedCode, ReauthenticateForm):  # type: ignore[misc]
    """Before something that needs a recent sign-in."""


def _take(app: Authenticator, code: str) -> bool:
    """Keep that the app's code was used; False for one that was, or is older than one that was.

    A code that is not the app's is a recovery code, which allauth strikes out itself.
    """
    secret = decrypt(app.data["secret"])
    digits = code.strip().replace(" ", "")
    counters = [
        counter
        for counter in yield_hotp_counters_from_time()
        if format_hotp_value(hotp_value(secret, counter)) == digits
    ]
    if not counters:
        return True
    if max(counters) <= app.data.get(LAST_TAKEN, -1):
        return False
    app.data[LAST_TAKEN] = max(counters)
    app.save(update_fields=["data"])
    return True


# --- Recovery codes ------------------------------------------------------------------------------


def must_save_codes(person: Person) -> bool:
    """Whether the person has recovery codes and has not said yet that they are kept somewhere."""
    return any(SAVED_AT not in codes.data for codes in _codes(person))


class RecoveryCodesView(ViewRecoveryCodesView):  # type: ignore[misc]
    """allauth's page of the codes, which asks whether they are saved until they are."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With `must_save`."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"must_save": must_save_codes(self.request.user)}


# As all of allauth's it asks itself who is signed in.
recovery_codes = public(RecoveryCodesView.as_view())


@public
@login_required
@require_POST
def codes_saved(request: HttpRequest) -> HttpResponse:
    """The person says that the recovery codes are kept: without them a lost phone locks them out."""
    person = request.user
    assert isinstance(person, Person)  # noqa: S101 - login_required
    for codes in _codes(person):
        codes.data.setdefault(SAVED_AT, timezone.now().isoformat())
        codes.save(update_fields=["data"])
    return HttpResponseRedirect(reverse("admin:index" if person.is_staff else "mfa_index"))


def _codes(person: Person) -> list[Authenticator]:
    codes = Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES)
    return list(codes)
