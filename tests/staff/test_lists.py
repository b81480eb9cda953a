"""Lists cost the same however long their tables are."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credits import ledger
from credits.admin import paging
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
BIG = (
    "credits/account", "credits/ledgerentry", "credits/dailyusage", "credits/staffact",
    "credits/restorationcase", "shopify_auth/shop", "shopify_auth/webhookdelivery",
    "shopify_auth/purchase", "shopify_auth/person", "generations/problemreport",
)  # fmt: skip


@pytest.mark.parametrize("path", BIG)
def test_a_list_asks_as_much_with_many_rows_and_counts_nothing_to_its_end(
    chief: Client, owner: Merchant, path: str
) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert chief.get(f"/staff/{path}/").status_code == 200
        return [query["sql"] for query in asked.captured_queries]

    few = len(queries())
    for number in range(30):
        account = ledger.open_account(name=f"Store {number}")
        ledger.spend(account.pk, 1, "k", tool="image-enhance")
    many = queries()

    assert len(many) == few <= 12
    assert not [sql for sql in many if "COUNT(*)" in sql and "LIMIT" not in sql]


def test_a_long_list_ends_where_a_search_is_better(
    chief: Client, owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_ROWS", 60)
    for number in range(80):
        ledger.spend(owner.account.pk, 1, f"k{number}", tool="image-enhance")

    page = chief.get("/staff/credits/ledgerentry/").text

    assert "60 ledger entries" in page
    assert chief.get("/staff/credits/ledgerentry/?p=2").text.count('class="field-sequence"') == 10


@pytest.mark.parametrize("path", ["credits/ledgerentry", "credits/dailyusage"])
def test_entries_name_who_caused_them(chief: Client, owner: Merchant, path: str) -> None:
    ledger.spend(owner.account.pk, 1, "k", tool="image-enhance", actor=f"user:{owner.person.pk}")

    page = chief.get(f"/staff/{path}/").text

    assert re.search(rf'class="field-actor[ \w]*">{owner.person}<', page)
    assert "user:" not in page
