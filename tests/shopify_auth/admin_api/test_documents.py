"""Every document the app sends, held against Shopify's own schema."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from graphql import NoDeprecatedCustomRule, build_schema, parse, validate
from graphql.language.ast import OperationDefinitionNode, OperationType

from shopify_auth.admin_api import documents
from shopify_auth.admin_api.documents import DOCUMENTS, Document
from shopify_auth.devstore.admin_api.execution import admin_schema
from shopify_auth.devstore.tokens import offline_token

SCHEMA = Path(
    os.environ.get("SHOPIFY_ADMIN_SCHEMA")
    or Path(__file__).resolve().parents[4] / "shared" / "shopify" / "admin-2026-10.graphql.gz"
)


# Shop, installation and billing are an app's own and need none.
NEEDED_SCOPES = {
    "ProductList": {"read_products"},
    "ProductById": {"read_products"},
    "ProductData": {"read_products"},
}
VARIABLES = {
    "first": 1,
    "photos": 1,
    "name": "Starter",
    "returnUrl": "http://localhost:8000/billing/return",
    "price": {"amount": "5", "currencyCode": "USD"},
    "test": True,
    "replacementBehavior": "STANDARD",
}


@pytest.fixture(scope="session")
def shopify_schema():
    """Shopify's schema of the Admin API; not part of the repository."""
    if not SCHEMA.exists():
        pytest.skip(
            f"{SCHEMA} is not here: take the 2026-10 introspection from the npm package "
            "@shopify/dev-mcp, print it as SDL, gzip it, and name it in SHOPIFY_ADMIN_SCHEMA."
        )
    # Shopify's schema breaks a rule on deprecated arguments that the checker would insist on.
    return build_schema(gzip.decompress(SCHEMA.read_bytes()).decode(), assume_valid=True)


def names(documents):
    return [document.name for document in documents]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_shopify_knows_the_document_and_deprecates_none_of_it(shopify_schema, document):
    parsed = parse(document.text)
    assert validate(shopify_schema, parsed) == []
    assert validate(shopify_schema, parsed, [NoDeprecatedCustomRule]) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_the_fake_shopify_knows_the_document(document):
    assert validate(admin_schema(), parse(document.text)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_a_document_is_what_it_says(document):
    [operation] = [
        node
        for node in parse(document.text).definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    assert operation.name is not None
    assert operation.name.value == document.name
    assert document.is_mutation == (operation.operation is OperationType.MUTATION)
    if document.is_mutation:
        assert f"  {document.payload}(" in document.text
        assert "userErrors { field message }" in document.text


def test_every_document_is_listed_and_none_is_elsewhere():
    written = [value for value in vars(documents).values() if isinstance(value, Document)]
    assert sorted(names(written)) == sorted(names(DOCUMENTS))
    operation = re.compile(r"^\s*(query|mutation) \w+", re.MULTILINE)
    package = Path(documents.__file__).parents[1]
    elsewhere = [
        path.name
        for path in package.rglob("*.py")
        if path != Path(documents.__file__) and operation.search(path.read_text())
    ]
    assert elsewhere == []


def test_the_app_asks_for_exactly_the_scopes_its_documents_need(settings):
    assert set(settings.SHOPIFY_SCOPES) == set().union(*NEEDED_SCOPES.values())


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_a_document_needs_its_scopes_and_no_other(devstore, document):
    """Asked in a store that has granted nothing, and in one that has granted what it needs."""
    needed = NEEDED_SCOPES.get(document.name, set())
    for granted in (set(), needed):
        with devstore.changed_shop() as shop:
            shop.scopes = sorted(granted)
            token = offline_token(shop, expiring=True).body["access_token"]
        is_product = document.name in {"ProductById", "ProductData"}
        asked = "Product" if is_product else "AppSubscription"
        variables = VARIABLES | {"id": f"gid://shopify/{asked}/1"}
        answer = devstore.admin_api(document.text, token, **variables).json()
        assert ("ACCESS_DENIED" in str(answer)) == (granted != needed)
