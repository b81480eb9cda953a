"""Answers of Shopify that the fake does not give: one document answered otherwise, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from shopify_auth.admin_api.documents import Document


def answer_with(
    monkeypatch: pytest.MonkeyPatch, document: str, status: int, body: str = "{}", domain: str = ""
) -> None:
    """From now on this document gets this answer; every other one the fake's."""
    send = requests.Session.post

    def post(
        session: requests.Session, url: str, *arguments: Any, **options: Any
    ) -> requests.Response:
        asked = options.get("json")
        if domain in url and isinstance(asked, dict) and asked.get("operationName") == document:
            response = requests.Response()
            response.status_code = status
            response._content = body.encode()
            return response
        return send(session, url, *arguments, **options)

    monkeypatch.setattr(requests.Session, "post", post)


def sent_with(monkeypatch: pytest.MonkeyPatch, *documents: Document) -> list[dict[str, Any]]:
    """The variables with which Shopify is asked these documents from now on, as they arrive."""
    names, sent = {document.name for document in documents}, list[dict[str, Any]]()
    send = requests.Session.post

    def post(
        session: requests.Session, url: str, *arguments: Any, **options: Any
    ) -> requests.Response:
        asked = options.get("json")
        if isinstance(asked, dict) and asked.get("operationName") in names:
            sent.append(json.loads(json.dumps(asked["variables"])))
        return send(session, url, *arguments, **options)

    monkeypatch.setattr(requests.Session, "post", post)
    return sent
