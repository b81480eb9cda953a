"""The door of the staff admin: allauth's sign-in, a confirmed address and a second factor.

Whoever has no second factor yet sees one page that says so. The way to one is a link that a superuser
mails or `createsuperuser` prints; it is good for a day, until the second factor is there or the
password changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ecomvance_app.http import public
from shopify_auth.identity import second_factor
from shopify_auth.models import Person

LINK_SECONDS = 24 * 60 * 60
_SALT = "staff-set-up"
_LINK = "staff_set_up_link"
_STAFF = "/staff/"
_LOGIN = "/staff/login/"
# These ask for themselves who is there.
_OPEN = ("/staff/set-up/", "/staff/components")


class StaffDoorMiddleware:
    """Stands before every page of the staff admin, whichever site it is of."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._stopped(request) or self.get_response(request)

    @staticmethod
    def _stopped(request: HttpRequest) -> HttpResponseBase | None:
        if request.path.startswith(_STAFF) and not request.path.startswith(_OPEN):
            return _stop_at_staff(request)
        if request.path == reverse("mfa_activate_totp"):
            return _stop_at_set_up(request)
        return None


def _stop_at_staff(request: HttpRequest) -> HttpResponseBase | None:
    person = request.user
    wanted = _wanted(request)
    if not isinstance(person, Person):
        return redirect_to_login(wanted)
    if not (person.is_staff and person.is_active):
        return None if request.path != _LOGIN else _refused(request, _("You are not our staff."))
    if settings.STAFF_REQUIRE_MFA and (stopped := _stop_without_factors(request, person, wanted)):
        return stopped
    return HttpResponseRedirect(wanted) if request.path == _LOGIN else None


def _stop_without_factors(
    request: HttpRequest, person: Person, wanted: str
) -> HttpResponseBase | None:
    """A confirmed address, a second factor used in this session, and its recovery codes saved."""
    if not EmailAddress.objects.filter(user=person, verified=True).exists():
        return _refused(request, _("Confirm your email address first."))
    if not is_mfa_enabled(person):
        return _refused(request, _ask_for_link())
    if not _has_used_second_factor(request):
        query = urlencode({"next": wanted})
        return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{query}")
    if second_factor.must_save_codes(person):
        return HttpResponseRedirect(reverse("mfa_view_recovery_codes"))
    return None


def _stop_at_set_up(request: HttpRequest) -> HttpResponseBase | None:
    """A colleague sets a second factor up by a link alone; a merchant whenever he likes."""
    person = request.user
    if not isinstance(person, Person) or not person.is_staff or is_mfa_enabled(person):
        return None
    token = str(request.session.get(_LINK, ""))
    return None if _person_of(token) == person else _refused(request, _ask_for_link())


def _wanted(request: HttpRequest) -> str:
    """Where the person wants to go; from the admin's own sign-in page, where that would lead."""
    if request.path != _LOGIN:
        return request.get_full_path()
    wanted = request.GET.get("next", "")
    ours = wanted.startswith(_STAFF) and not wanted.startswith(_LOGIN)
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours and safe else _STAFF


def _has_used_second_factor(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def _ask_for_link() -> str:
    return _("You have no second factor yet. Ask a superuser for a link to set it up.")


def _refused(request: HttpRequest, message: str) -> HttpResponse:
    return render(request, "shopify_auth/refused.html", {"message": message}, status=403)


# --- The link ------------------------------------------------------------------------------------


def link_for(person: Person) -> str:
    """The address where this member of staff sets up a second factor, for a day."""
    token = signing.dumps([person.pk, _fingerprint(person)], salt=_SALT)
    return f"{settings.APP_URL}{reverse('staff_set_up', args=[token])}"


def mail_link(person: Person) -> None:
    """Take away what second factor there is and mail the link for a new one."""
    Authenticator.objects.filter(user=person).delete()
    get_adapter().send_mail(
        "shopify_auth/mail/staff_set_up", str(person.email), {"set_up_url": link_for(person)}
    )


@public
@never_cache
@require_safe
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """From the link, by way of the password, to the page that shows the code for the app.

    The link came by mail or from the server's own console, so whoever has it has the address.
    """
    person = _person_of(token)
    if person is None or not person.is_staff:
        return _refused(request, _("This link is used up or older than a day. Ask for a new one."))
    if not EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists():
        EmailAddress.objects.update_or_create(
            user=person, email=person.email, defaults={"verified": True, "primary": True}
        )
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if request.user.pk != person.pk:
        return _refused(request, _("Sign out first: this link is somebody else's."))
    request.session[_LINK] = token
    return HttpResponseRedirect(reverse("mfa_activate_totp"))


def _person_of(token: str) -> Person | None:
    try:
        person_id, fingerprint = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    return person if person is not None and _fingerprint(person) == fingerprint else None


def _fingerprint(person: Person) -> str:
    """What changes with the password and with the second factor, so that a link is good once."""
    factors = Authenticator.objects.filter(user=person).order_by("pk").values_list("pk", flat=True)
    state: list[Any] = [person.pk, person.password, *factors]
    return salted_hmac(_SALT, repr(state), algorithm="sha256").hexdigest()[:32]
