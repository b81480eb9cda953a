"""A signature is right from its first character to its last, or it is none."""

from __future__ import annotations

import base64

import pytest

from shopify_auth.models import WebhookDelivery
from tests.shopify_auth.webhooks.post import post, signed

pytestmark = pytest.mark.django_db
BODY = b"{}"


def flipped(signature: str, place: int) -> str:
    """The signature of the same length with one other byte."""
    raw = bytearray(base64.b64decode(signature))
    raw[place] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("place", [1, 4, 8, 16, 31])
def test_right_at_the_start_and_wrong_after_is_401(place):
    genuine = signed(BODY)
    wrong = flipped(genuine, place)
    assert wrong[0] == genuine[0]

    assert post("app/uninstalled", BODY, signature=wrong).status_code == 401
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("length", [1, 8, 20, 43])
def test_cut_short_is_401(length):
    assert post("app/uninstalled", BODY, signature=signed(BODY)[:length]).status_code == 401


@pytest.mark.parametrize("more", ["A", "=", " A"])
def test_with_something_after_it_is_401(more):
    assert post("app/uninstalled", BODY, signature=signed(BODY) + more).status_code == 401


def test_in_other_cases_is_401():
    assert post("app/uninstalled", BODY, signature=signed(BODY).swapcase()).status_code == 401


@pytest.mark.parametrize("place", [1, 16, 31])
def test_right_at_the_start_of_the_old_secret_is_401(place, settings):
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before"
    wrong = flipped(signed(BODY, "the-secret-before"), place)

    assert post("app/uninstalled", BODY, signature=wrong).status_code == 401
