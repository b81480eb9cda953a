"""How often the pages of one account may send something."""

from __future__ import annotations

import pytest

from ecomvance_app import rates
from tests.merchants import Merchant


def test_an_account_that_sends_too_much_waits_and_nobody_else(
    owner: Merchant, second_shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "REQUESTS_PER_MINUTE", 2)
    monkeypatch.setattr(rates, "_this_minute", lambda: owner.account.pk)
    posts = [owner.client.post("/dashboard/settings", {"threshold": "5"}) for _ in range(4)]

    assert [post.status_code for post in posts] == [302, 302, 429, 429]
    assert posts[-1]["Retry-After"]
    assert owner.client.get("/dashboard/settings").status_code == 200
    assert second_shop.client.post("/dashboard/settings", {"threshold": "5"}).status_code == 302
