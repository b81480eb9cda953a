"""A parameter that decides who is asking, or where to, and comes twice is refused."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.embedded import SHOP, place, session_token

NAMES = (
    "shop", "host", "shopify-reload", "hmac", "signature", "timestamp", "state", "code", "id_token",
)  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/auth/session-token", "/auth/install", "/auth/callback"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_spelled", [False, True])
def test_it_is_refused(path: str, name: str, *, is_spelled: bool) -> None:
    again = f"%{ord(name[0]):02x}{name[1:]}" if is_spelled else name

    response = Client().get(f"{path}?{name}=one&{again}=two")

    assert response.status_code == 400
    assert "twice" in response.text


def test_the_bounce_page_loads_nothing_that_it_did_not_check(settings) -> None:
    ours = f"{settings.APP_URL}/?shop={SHOP}"
    address = "/auth/session-token?shop={}&shopify-reload={}&shopify-reload={}"

    refused = Client().get(address.format(SHOP, "https://evil.example/", ours))

    assert refused.status_code == 400


def test_programs_are_told_so_in_json() -> None:
    response = Client().get("/api/v1/balance?shop=a&shop=b")

    assert (response.status_code, response.json()["error"]) == (400, "bad_request")


def test_what_a_page_itself_asks_may_come_twice() -> None:
    query = place(SHOP, id_token=session_token(SHOP)) | {"embedded": "1", "search": ["a", "b"]}

    response = Client().get("/tools/background-removal", query)

    assert response.wsgi_request.GET.getlist("search") == ["a", "b"]
    assert response.status_code != 400
