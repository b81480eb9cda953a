"""Above the spending limit a program is refused: nothing stored, nothing charged, the key free."""

from __future__ import annotations

from credits.accounts import limits
from tests.api.storefront import MUG
from tests.merchants import ApiMerchant


def test_above_the_limit_approval_is_required(owner: ApiMerchant) -> None:
    limits.set_limit(owner.account.pk, 0)
    before = owner.holdings
    body = {"tool": "background-removal", "product_id": MUG}

    answer = owner.post("generations", body)

    assert answer.status_code == 403
    assert answer.json()["error"] == "approval_required"
    assert owner.holdings == before
    limits.set_limit(owner.account.pk, None)
    assert owner.post("generations", body).status_code == 201


def test_a_batch_counts_by_its_sum(owner: ApiMerchant, shadowing: None) -> None:
    items = [{"product_id": MUG}] * 2
    one = owner.get("tools").json()["tools"]
    price = next(t for t in one if t["slug"] == "ai-shadowing")["variants"][0]["credits"]
    limits.set_limit(owner.account.pk, price)
    before = owner.holdings

    answer = owner.post("batches", {"resolution": "1K", "items": items})

    assert answer.status_code == 403
    assert answer.json()["error"] == "approval_required"
    assert owner.holdings == before
