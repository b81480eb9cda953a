"""Our rules around allauth's sign-in: limits that hold without a cache, links to our own address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added
from django.conf import settings
from django.dispatch import receiver

from shopify_auth.identity import sign_in_limits

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

    from shopify_auth.models import Person


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types.
    """What allauth asks of us."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Judge a password, unless this account or this address has tried too often."""
        account = str(credentials.get("email") or credentials.get("username") or "")
        attempt = sign_in_limits.begin(account, self.get_client_ip(request))
        if attempt is None:
            raise self.validation_error("too_many_login_attempts")
        person: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if person is not None:
            attempt.take_back()
        return person

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail with links to APP_URL, however the request spelled the host."""
        ours = {
            name: on_app_url(value) if name.endswith("url") else value
            for name, value in context.items()
        }
        site = {"name": "ecomVance", "domain": urlsplit(settings.APP_URL).netloc}
        super().send_mail(template_prefix, email, {"current_site": site} | ours)


def on_app_url(url: str) -> str:
    """The same page under APP_URL."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{settings.APP_URL}{parts.path}{query}"


def tell_of_password(request: HttpRequest, person: Person) -> None:
    """The person hears that somebody of our staff has set another password."""
    get_adapter(request).send_notification_mail("account/email/password_changed", person)


def move_address(request: HttpRequest, person: Person, old: str) -> None:
    """Our staff gave the person another address: it has to be confirmed, and the old one hears."""
    EmailAddress.objects.filter(user=person, email__iexact=old).delete()
    if person.email:
        EmailAddress.objects.get_or_create(
            user=person, email=person.email, defaults={"primary": True, "verified": False}
        )
    changed = {"from_email": old, "to_email": person.email or ""}
    get_adapter(request).send_notification_mail(
        "account/email/email_changed", person, changed, email=old
    )


@receiver(email_added, dispatch_uid="tell-old-address")
def tell_old_address(
    request: HttpRequest, user: Any, email_address: EmailAddress, **_: Any
) -> None:
    """The address in use hears of another one that was added."""
    get_adapter(request).send_notification_mail(
        "account/email/email_added", user, {"added_email": email_address.email}
    )
