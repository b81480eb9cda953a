"""What a store granted against what the app asks for."""

from __future__ import annotations

import pytest

from shopify_auth.admin_api.scopes import covers, needs_consent
from shopify_auth.models import Shop

ODD = "customer_read_customers"


@pytest.mark.parametrize(
    ("granted", "wanted", "holds"),
    [
        (["read_products"], ["read_products"], True),
        (["read_products"], ["read_products", "write_files"], False),
        (["write_products"], ["read_products"], True),
        (["read_products"], ["write_products"], False),
        (["read_products", "write_files"], ["read_products"], True),
        ([], ["read_products"], False),
        ([ODD, "write_products"], ["read_products"], True),
        ([ODD, "write_products"], ["read_products", ODD], True),
        (["write_products"], ["read_products", ODD], False),
        ([ODD], ["read_products"], False),
        (["read_products"], [], True),
    ],
)
def test_whether_what_was_granted_holds_what_is_wanted(granted, wanted, holds):
    assert covers(granted, wanted) is holds


def test_a_store_of_which_nothing_is_known_has_nothing_to_agree_to(settings):
    settings.SHOPIFY_SCOPES = ["read_products", "write_files"]
    assert not needs_consent(Shop(scopes=[]))
    assert needs_consent(Shop(scopes=["read_products"]))
