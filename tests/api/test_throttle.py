"""How often a program may ask."""

from __future__ import annotations

import re
import socket
import time
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from ecomvance_app.doors.throttling import REQUESTS_PER_MINUTE
from generations.models import Generation
from tests.api.storefront import MUG
from tests.generations import sample_pictures as samples
from tests.merchants import ApiMerchant

CUT_OUT = {"tool": "background-removal", "product_id": MUG}
SHADOWS = {"resolution": "1K", "items": [{"product_id": MUG}, {"product_id": MUG}]}


def upload(content: bytes | None = None) -> SimpleUploadedFile:
    picture = samples.encoded(samples.quarters(), "PNG") if content is None else content
    return SimpleUploadedFile("mug.png", picture, "image/png")


def assert_refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is an error of this status and code, as JSON with a sentence."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body["error"] == code
    assert body["message"].endswith(".")
    return body


def routes() -> list[tuple[str, str]]:
    """Every (method, path) of the API's OpenAPI document, with an id that is nobody's."""
    document = Client().get("/api/v1/openapi.json").json()
    nobody = "00000000-0000-4000-8000-000000000000"
    return [
        (method.upper(), re.sub(r"{\w+_id}", nobody, path))
        for path, methods in document["paths"].items()
        for method in methods
    ]


class TestThrottle:
    def test_limits_one_account_and_no_other(
        self, owner: ApiMerchant, second_shop: ApiMerchant, time_machine
    ) -> None:
        time_machine.move_to(int(time.time()) // 60 * 60 + 45, tick=False)
        for _ in range(REQUESTS_PER_MINUTE):
            assert owner.get("tools").status_code == 200

        answer = owner.post("generations", CUT_OUT)

        assert_refused(answer, 429, "too_many_requests")
        assert answer["Retry-After"] == "15"
        assert Generation.objects.count() == 0
        assert second_shop.get("tools").status_code == 200
        time_machine.shift(15)
        assert owner.get("tools").status_code == 200

    def test_lets_everybody_through_while_the_cache_is_away(
        self, owner: ApiMerchant, settings
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed_again:
            address = f"redis://127.0.0.1:{closed_again.getsockname()[1]}/0"
        away = settings.CACHES["default"] | {"LOCATION": address}

        with override_settings(CACHES={"default": away}):
            assert owner.get("balance").status_code == 200
