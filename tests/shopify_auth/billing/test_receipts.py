"""Receipts: a row for every charge and renewal, in plain words, linked with the ledger both ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shopify_auth.billing import receipts
from shopify_auth.models import Subscription
from tests.devstore_fixture import DevStore
from tests.merchants import Owner
from tests.page_reading import one, read_page, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


def rows(olivia: Owner) -> list[tuple[str, str, Decimal | None, list[int]]]:
    return [
        (str(row.what), str(row.state), row.price, [entry.credits for entry in row.entries])
        for row in receipts.read_receipts(olivia.account)
    ]


def subscribed(olivia: Owner, plan: str) -> None:
    olivia.subscribe(plan)
    olivia.nudge()


def test_a_renewal_is_a_row_of_its_own(olivia: Owner) -> None:
    subscribed(olivia, "starter")
    olivia.devstore.move_clock(days=30)
    olivia.nudge()

    assert rows(olivia) == [
        ("Renewal", "Paid", Decimal(19), [3_000]),
        ("Plan", "Paid", Decimal(19), [3_000]),
    ]


def test_an_upgrade_has_no_price_of_ours(olivia: Owner) -> None:
    subscribed(olivia, "starter")
    olivia.devstore.move_clock(days=10)
    subscribed(olivia, "growth")

    assert rows(olivia)[0] == ("Upgrade", "Paid", None, [5_500])
    page = words(one(read_page(olivia.open("/plans")), "body"))
    assert "Shopify prorates, see your bill" in page
    assert "$49" not in page.partition("Receipts")[2]


def test_a_charge_that_was_never_approved_says_so(olivia: Owner) -> None:
    subscribed(olivia, "starter")
    Subscription.objects.update(status="CANCELLED", granted_until=None)

    assert rows(olivia) == [("Plan", "Never approved, nothing charged", None, [])]


def test_an_unpaid_renewal_is_a_row(olivia: Owner) -> None:
    subscribed(olivia, "starter")
    Subscription.objects.update(status="FROZEN")

    assert rows(olivia)[0] == ("Renewal", "Not paid yet: see your Shopify bill", Decimal(19), [])


def test_the_ledger_names_the_charge_and_its_price(olivia: Owner) -> None:
    purchase: Any = olivia.buy("small")
    olivia.nudge()

    for path in ("/usage/ledger", "/usage/ledger/2"):
        page = olivia.open(path)
        text = words(one(read_page(page), "main"))
        assert purchase.name in text
        assert "$5" in text
        assert 'href="/plans#receipts"' in page.content.decode()
