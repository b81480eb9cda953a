"""Addresses and forms with what no database can hold: nothing is there, and nothing fails."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.merchants import ApiMerchant, Merchant, open_store

BEFORE = "0001-01-01T00:00%2B23:59~00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    "path",
    [
        "/billing/return/%00",
        "/billing/return/a%00b",
        "/healthz?x=%00",
        "/files/%00",
        "/product-photos/%00",
        "/auth/session-token?shop=%00",
        "/dashboard/sign-in/login/?next=%00",
    ],
)
def test_of_nobody(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "plans?charge=%00",
        "plans/confirmation/%00",
        "usage?span=%00",
        "usage/ledger.csv?span=a%00",
        "tools/%00",
        "tools/background-removal?search=%00",
        "history?state=%00",
        "history?before=%00~%00",
    ],
)
def test_of_the_dashboard(owner: Merchant, path: str) -> None:
    assert owner.client.get(f"/dashboard/{path}").status_code == 404


@pytest.mark.parametrize("name", ["before", "after"])
def test_a_cursor_of_year_1_counts_as_none(owner: Merchant, name: str) -> None:
    assert owner.client.get(f"/dashboard/gallery?{name}={BEFORE}").status_code == 200


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59", "1000-01-01T00:00"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_balance_of_year_1_is_no_valid_question(owner: Merchant, at: str, zone: str) -> None:
    owner.account.time_zone = zone
    owner.account.save()

    response = owner.client.get(f"/dashboard/usage/ledger?at={at}")

    assert response.status_code == 200
    assert "Enter a valid date/time." in response.content.decode()


@pytest.mark.parametrize("number", ["9" * 18, "9" * 30])
def test_numbers_beyond_the_database_are_of_nothing(owner: Merchant, number: str) -> None:
    assert owner.client.get(f"/dashboard/usage/ledger/{number}").status_code == 404
    assert owner.client.get(f"/dashboard/usage/ledger?before={number}").status_code == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("plans/subscribe", {"plan": "a\0"}),
        ("plans/buy", {"package": "a\0"}),
        ("plans/cancel", {"subscription": "a\0", "reason": "\0"}),
        ("tools/background-removal", {"key": "a\0", "photo": "gid://shopify/Product/1 7"}),
        ("tools/background-removal", {"key": "a", "photo": "gid://\0 7"}),
        ("settings", {"threshold": "\0"}),
        ("settings", {"a field that is not there\0": ""}),
        ("settings/people", {"action": "invite", "email": "a\0@example.com"}),
        ("sign-in/login/", {"login": "a\0@example.com", "password": "correct horse"}),
    ],
)
def test_forms_are_refused(owner: Merchant, path: str, form: dict[str, str]) -> None:
    assert owner.client.post(f"/dashboard/{path}", form).status_code == 422


def test_the_api_says_so_in_json(db: None) -> None:
    store: ApiMerchant = open_store("olivias-mugs.myshopify.com")

    response = store.client.get("/api/v1/usage?month=%00", headers=store.headers)

    assert response.status_code == 404
    assert response.json()["error"] == "not_found"
