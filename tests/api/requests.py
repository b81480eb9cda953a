"""What the tests of the API ask, and how they read a refusal."""

from __future__ import annotations

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.api.storefront import MUG
from tests.generations import sample_pictures as samples

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
