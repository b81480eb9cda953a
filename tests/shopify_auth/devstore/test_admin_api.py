"""The fake's Admin API answers by Shopify's schema, and misbehaves when told to."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    parse,
    validate,
)
from PIL import Image

from shopify_auth.admin_api.documents import DOCUMENTS, Document
from shopify_auth.devstore.admin_api import endpoints
from shopify_auth.devstore.admin_api.execution import admin_schema
from shopify_auth.devstore.tokens import offline_token
from tests.devstore_fixture import DEMO, STRANGER, DevStore

SHOPIFY_SCHEMA = (
    Path(__file__).resolve().parents[4] / "shared" / "shopify" / "admin-2026-10.graphql.gz"
)
PRODUCTS = """
query ProductList($first: Int!, $after: String, $query: String) {
  products(first: $first, after: $after, query: $query, sortKey: TITLE) {
    nodes {
      id
      title
      media(first: 5) {
        nodes { __typename id alt status ... on MediaImage { image { url width height } } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
NODE = """
query ChargeById($id: ID!) {
  node(id: $id) { __typename ... on Product { title } }
}
"""


@pytest.fixture
def token(devstore: DevStore) -> str:
    return token_of(devstore, DEMO)


def token_of(devstore: DevStore, handle: str) -> str:
    with devstore.changed_shop(handle) as shop:
        return str(offline_token(shop, expiring=True).body["access_token"])


def data(response: requests.Response) -> dict[str, Any]:
    body = response.json()
    assert "errors" not in body, body["errors"]
    answer: dict[str, Any] = body["data"]
    return answer


@pytest.fixture(scope="module")
def shopify() -> GraphQLSchema:
    if not SHOPIFY_SCHEMA.exists():
        pytest.skip(
            f"Put Shopify's Admin schema of 2026-10 at {SHOPIFY_SCHEMA} (gzipped SDL; "
            "the npm package @shopify/dev-mcp carries it) to compare the fake with it."
        )
    return build_schema(gzip.decompress(SHOPIFY_SCHEMA.read_bytes()).decode(), assume_valid=True)


class TestSchema:
    def test_every_type_field_and_argument_is_shopifys(self, shopify: GraphQLSchema):
        strange = []
        for name, ours in admin_schema().type_map.items():
            theirs = shopify.type_map.get(name)
            if not name.startswith("__"):
                strange += [name] if type(theirs) is not type(ours) else differences(ours, theirs)

        assert strange == []

    @pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
    def test_it_answers_every_document_of_the_app(self, document: Document):
        assert validate(admin_schema(), parse(document.text)) == []

    def test_an_unknown_field_is_an_error_as_with_shopify(self, devstore: DevStore, token: str):
        body = devstore.admin_api("{ shop { horoscope } }", token).json()

        assert "horoscope" in body["errors"][0]["message"]
        assert "data" not in body


def differences(ours: Any, theirs: Any) -> list[str]:
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        return strange_fields(ours.name, ours, theirs)
    if isinstance(ours, GraphQLInputObjectType):
        return strange_inputs(ours.name, ours.fields, theirs.fields)
    if isinstance(ours, GraphQLEnumType):
        return [f"{ours.name}.{value}" for value in ours.values.keys() - theirs.values]
    if isinstance(ours, GraphQLUnionType):
        return sorted({str(one) for one in ours.types} - {str(one) for one in theirs.types})
    return []


def strange_fields(name: str, ours: Any, theirs: Any) -> list[str]:
    strange = []
    for field_name, field in ours.fields.items():
        place = f"{name}.{field_name}"
        if field_name not in theirs.fields:
            strange.append(place)
            continue
        if str(field.type) != str(theirs.fields[field_name].type):
            strange.append(f"{place}: {field.type}")
        if theirs.fields[field_name].deprecation_reason:
            strange.append(f"{place} is deprecated")
        strange += strange_inputs(place, field.args, theirs.fields[field_name].args)
    return strange


def strange_inputs(name: str, ours: Any, theirs: Any) -> list[str]:
    return [
        f"{name}({argument})"
        for argument, value in ours.items()
        if argument not in theirs or str(theirs[argument].type) != str(value.type)
    ]


class TestShop:
    def test_the_shop_is_the_one_addressed(self, devstore: DevStore, token: str):
        document = """
        query ShopDetails {
          shop { id name myshopifyDomain ianaTimezone currencyCode
                 plan { partnerDevelopment publicDisplayName } }
        }
        """

        shop = data(devstore.admin_api(document, token))["shop"]

        assert shop["myshopifyDomain"] == "ecomvance-demo.myshopify.com"
        assert shop["plan"] == {"partnerDevelopment": True, "publicDisplayName": "Development"}

    def test_a_token_opens_no_other_shop(self, devstore: DevStore, token: str):
        assert devstore.admin_api("{ shop { id } }", token, STRANGER).status_code == 401

    def test_the_installation_names_its_scopes(self, devstore: DevStore, token: str):
        document = "{ currentAppInstallation { launchUrl accessScopes { handle } } }"

        installation = data(devstore.admin_api(document, token))["currentAppInstallation"]

        assert installation["accessScopes"] == [{"handle": "read_products"}]
        assert installation["launchUrl"].startswith(f"{devstore.url}/store/ecomvance-demo/apps/")


class TestProducts:
    def test_pages_join_without_gap_or_overlap(self, devstore: DevStore, token: str):
        everything = data(devstore.admin_api(PRODUCTS, token, first=50))["products"]["nodes"]
        after, titles = None, []
        while True:
            page = data(devstore.admin_api(PRODUCTS, token, first=2, after=after))["products"]
            titles += [node["title"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break

        assert titles == [node["title"] for node in everything]
        assert titles == sorted(titles, key=str.casefold)
        assert len(titles) > 2

    def test_a_photo_can_be_loaded_in_its_stated_size(self, devstore: DevStore, token: str):
        product = data(devstore.admin_api(PRODUCTS, token, first=1))["products"]["nodes"][0]
        image = product["media"]["nodes"][0]["image"]

        photo = requests.get(image["url"], timeout=10)

        assert Image.open(BytesIO(photo.content)).size == (image["width"], image["height"])

    def test_a_search_narrows_the_list(self, devstore: DevStore, token: str):
        product = data(devstore.admin_api(PRODUCTS, token, first=1))["products"]["nodes"][0]
        word = product["title"].split()[0]

        found = data(devstore.admin_api(PRODUCTS, token, first=50, query=f"title:*{word}*"))
        nothing = data(devstore.admin_api(PRODUCTS, token, first=50, query="title:zzzz"))

        assert product["id"] in [node["id"] for node in found["products"]["nodes"]]
        assert nothing["products"]["nodes"] == []

    def test_a_strangers_store_does_not_know_the_product(self, devstore: DevStore, token: str):
        product = data(devstore.admin_api(PRODUCTS, token, first=1))["products"]["nodes"][0]
        foreign = token_of(devstore, STRANGER)

        own = data(devstore.admin_api(NODE, token, id=product["id"]))
        other = data(devstore.admin_api(NODE, foreign, STRANGER, id=product["id"]))

        assert own["node"]["title"] == product["title"]
        assert other["node"] is None

    def test_without_the_scope_access_is_denied(self, devstore: DevStore, token: str):
        with devstore.changed_shop() as shop:
            shop.scopes = []

        body = devstore.admin_api(PRODUCTS, token, first=1).json()

        assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
        assert body["data"] is None


class TestMisbehaviour:
    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("server_error", 500),
            ("frozen_store", 402),
            ("locked_store", 423),
            ("address_not_allowed", 403),
            ("too_many_requests", 429),
        ],
    )
    def test_a_switch_works_once_and_then_all_is_well(
        self, devstore: DevStore, token: str, name: str, status: int
    ):
        devstore.misbehave_once(name)

        assert devstore.admin_api("{ shop { id } }", token).status_code == status
        assert devstore.admin_api("{ shop { id } }", token).status_code == 200

    def test_throttling_comes_inside_a_200_with_its_numbers(self, devstore: DevStore, token: str):
        devstore.misbehave(throttled=1)

        response = devstore.admin_api(PRODUCTS, token, first=50)
        cost = response.json()["extensions"]["cost"]

        assert response.status_code == 200
        assert response.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert cost["actualQueryCost"] is None
        assert cost["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"]
        assert cost["throttleStatus"]["restoreRate"] == 100

    def test_a_non_expiring_token_is_refused_when_switched(self, devstore: DevStore):
        with devstore.changed_shop() as shop:
            old = offline_token(shop, expiring=False).body["access_token"]
        devstore.misbehave(non_expiring_refused=-1)

        refused = devstore.admin_api("{ shop { id } }", old)

        assert refused.status_code == 403
        assert "Non-expiring" in refused.json()["errors"]

    def test_a_slow_answer_comes_late(self, devstore: DevStore, token: str, monkeypatch):
        monkeypatch.setattr(endpoints, "SLOW_SECONDS", 0.5)
        devstore.misbehave(slow=1)

        assert devstore.admin_api("{ shop { id } }", token).elapsed.total_seconds() >= 0.5

    def test_a_revoked_token_is_401(self, devstore: DevStore, token: str):
        devstore.press("revoke_tokens")

        assert devstore.admin_api("{ shop { id } }", token).status_code == 401

    def test_its_state_survives_a_restart(self, devstore: DevStore, token: str):
        saved = json.loads((devstore.fake.folder / "state.json").read_text())

        assert saved["shops"][DEMO]["tokens"][0]["access_token"] == token
