"""Before the first picture of an account goes to Google, one plain notice is accepted.

It says what is sent, to whom and how long it is kept. Kept are its version, who accepted it and when.
What runs on this machine needs none; nor does a stand-in for Google on this machine.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.models import ProviderConsent
from generations.runs.orders import Order
from generations.runs.quote import RunRefused, Terms

# Another text is another version, and is asked for again.
VERSION = "2026-11-27"
GOOGLE = "google"
NOTICE: tuple[Promise, ...] = (
    gettext_lazy(
        "This tool is run by Google's AI models. For each run the images that you choose, your "
        "description and what the tool needs to know of the product are sent to Google."
    ),
    gettext_lazy(
        "The AI Chat Assistant sends your questions and what it looks up to answer them: credits, "
        "charges, runs and titles of products of your account."
    ),
    gettext_lazy(
        "Nothing else of your store is sent, and no image before you start a run. Data about the "
        "camera and the place is removed first."
    ),
    gettext_lazy(
        "Google may keep what is sent for up to 55 days to find misuse. Videos and images that are "
        "stored at Google for a run are deleted there once we have fetched the result."
    ),
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def is_missing(account_id: int, engine: str) -> bool:
    """Whether the notice has to be accepted before pictures of this account go to the engine."""
    if engine != GOOGLE or _stays_here():
        return False
    accepted = ProviderConsent.objects.filter(account_id=account_id, provider=GOOGLE)
    return not accepted.filter(version=VERSION).exists()


def check(account_id: int, terms: Terms, order: Order) -> None:
    """RunRefused for an order with pictures whose account has not accepted the notice."""
    has_pictures = order.picture_count or order.reference
    if has_pictures and is_missing(account_id, terms.engine):
        message = _(
            "This tool sends your images to Google. An owner or maker has to accept that once, on "
            "the tool's page. Nothing was charged."
        )
        raise RunRefused(message, "consent_required", status=403)


def check_questions(account_id: int, engine: str) -> None:
    """RunRefused for a question to Google's model whose account has not accepted the notice."""
    if is_missing(account_id, engine):
        message = _(
            "The assistant sends your questions to Google. An owner or maker has to accept that once, "
            "on the assistant's page."
        )
        raise RunRefused(message, "consent_required", status=403)


def accept(account_id: int, person_id: int | None) -> None:
    """Keep that the notice was accepted; the first acceptance of a version stands."""
    ProviderConsent.objects.get_or_create(
        account_id=account_id,
        provider=GOOGLE,
        version=VERSION,
        defaults={"accepted_by_id": person_id},
    )


def _stays_here() -> bool:
    """Whether all that is called Google here is a stand-in on this machine."""
    used = [
        address
        for credential, address in (
            (settings.GEMINI_API_KEY, settings.GOOGLE_GEMINI_BASE_URL),
            (settings.GOOGLE_CLOUD_PROJECT, settings.GOOGLE_VERTEX_BASE_URL),
        )
        if credential
    ]
    return bool(used) and all(urlsplit(address).hostname in _LOOPBACK for address in used)
