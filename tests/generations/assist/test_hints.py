"""The document's saving tips on the tools' pages: one at a time, dismissed for good."""

from __future__ import annotations

from typing import Any

import pytest

from tests.merchants import Merchant, make_merchant
from tests.page_reading import every, read_page, words

HTMX = {"HX-Request": "true"}


def hint_of(merchant: Merchant, tool: str) -> str:
    """The hint on a tool's page; empty where there is none. Never two."""
    page = read_page(merchant.client.get(f"/dashboard/tools/{tool}"))
    shown = [words(one) for one in every(page, "div", id="hint")]
    assert len(shown) <= 1
    return shown[0] if shown else ""


def dismiss(merchant: Merchant, name: str, **options: Any) -> int:
    address = f"/dashboard/hints/{name}/dismiss"
    return merchant.client.post(address, **options).status_code


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("object-removal", "Background Removal does that for 20 credits"),
        ("ai-shadowing", "up to 50 of them"),
        ("product-reels", "shortest video that works"),
        ("veo-t2v", "every second costs 100 credits"),
        ("description-generator", "Try descriptions first"),
        ("product-placement", "1K–2K is enough"),
        ("background-removal", ""),
        ("image-enhance", ""),
    ],
)
def test_each_stands_where_it_helps(owner: Merchant, tool: str, said: str) -> None:
    hint = hint_of(owner, tool)
    assert said in hint
    assert bool(said) == bool(hint)


def test_one_at_a_time_and_never_again(owner: Merchant) -> None:
    assert "up to 50 of them" in hint_of(owner, "ai-shadowing")
    assert dismiss(owner, "bulk", headers=HTMX) == 200
    assert "1K–2K is enough" in hint_of(owner, "ai-shadowing")
    assert dismiss(owner, "web-size", headers=HTMX) == 200
    assert dismiss(owner, "web-size", headers=HTMX) == 200
    assert hint_of(owner, "ai-shadowing") == ""
    assert hint_of(owner, "product-placement") == ""


def test_another_account_keeps_its_hints(owner: Merchant) -> None:
    dismiss(owner, "bulk")
    assert "up to 50 of them" in hint_of(make_merchant("Sam"), "ai-shadowing")


def test_without_scripts_the_tools_page_comes_again(owner: Merchant) -> None:
    address = "/dashboard/hints/bulk/dismiss"
    answer = owner.client.post(address, {"tool": "ai-shadowing"})
    assert answer["Location"] == "/dashboard/tools/ai-shadowing"
    assert owner.client.post(address, {"tool": "//evil"})["Location"] == "/dashboard/tools"


def test_what_is_no_hint_is_404(owner: Merchant) -> None:
    assert dismiss(owner, "background-removal") == 404
