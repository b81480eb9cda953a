"""The Admin API of the fake: real GraphQL over the part of Shopify's schema that the app uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    graphql_sync,
)

from ecomvance_app import clock
from shopify_auth.devstore import billing
from shopify_auth.devstore.admin_api import uploads
from shopify_auth.devstore.admin_api.connections import Info, connection
from shopify_auth.devstore.admin_api.installation import (
    amount_text,
    charge_node,
    installation_node,
    shop_node,
)
from shopify_auth.devstore.admin_api.products import matching, ordered, product_nodes
from shopify_auth.devstore.fake import FakeShopify
from shopify_auth.devstore.state import (
    Charge,
    ChargeKind,
    ProductChanges,
    Shop,
    State,
)

CONFIRMATION_PAGE = {
    ChargeKind.SUBSCRIPTION: "confirm_recurring_application_charge",
    ChargeKind.ONE_TIME: "confirm_application_charge",
}


@cache
def admin_schema() -> GraphQLSchema:
    """The schema the fake answers by."""
    schema = build_schema((Path(__file__).parent / "schema.graphql").read_text())
    decimal = cast("GraphQLScalarType", schema.type_map["Decimal"])
    decimal.coerce_output_value = amount_text
    decimal.coerce_input_value = _decimal
    date_time = cast("GraphQLScalarType", schema.type_map["DateTime"])
    date_time.coerce_output_value = _date_time_text
    return schema


class AdminApi:
    """The root fields for one request of one shop, inside the state's lock."""

    def __init__(self, fake: FakeShopify, state: State, shop: Shop) -> None:
        self._fake = fake
        self._state = state
        self._shop = shop
        self._now = clock.now()

    def run(
        self, document: str, variables: dict[str, Any], operation: str | None
    ) -> dict[str, Any]:
        """The answer's `data` and `errors`."""
        result = graphql_sync(
            admin_schema(),
            document,
            root_value=self,
            variable_values=variables,
            operation_name=operation,
        )
        errors = result.errors or []
        answer: dict[str, Any] = {}
        # An error with a path came while answering: then `data` is there, as null.
        if result.data is not None or any(error.path for error in errors):
            answer["data"] = result.data
        if errors:
            answer["errors"] = [error.formatted for error in errors]
        return answer

    def shop(self, _info: Info) -> dict[str, Any]:
        """Query: shop."""
        return shop_node(self._shop)

    def shopBillingPreferences(self, _info: Info) -> dict[str, Any]:  # noqa: N802
        """Query: shopBillingPreferences."""
        return {"currency": self._shop.currency}

    def currentAppInstallation(self, _info: Info) -> dict[str, Any]:  # noqa: N802
        """Query: currentAppInstallation."""
        return installation_node(self._shop, self._fake.app_url(self._shop))

    def products(self, _info: Info, **arguments: Any) -> dict[str, Any]:
        """Query: products."""
        found = matching(self._products("products"), arguments.get("query"))
        return connection(ordered(found, arguments["sortKey"]), arguments)

    def product(self, _info: Info, **arguments: str) -> dict[str, Any] | None:
        """Query: product."""
        nodes = self._products("product")
        return next((node for node in nodes if node["id"] == arguments["id"]), None)

    def node(self, info: Info, **arguments: str) -> dict[str, Any] | None:
        """Query: node."""
        gid = arguments["id"]
        if gid.startswith("gid://shopify/Product/"):
            return self.product(info, id=gid)
        charge = self._charge(gid)
        if charge:
            return charge_node(self._shop, charge)
        known = [self.shop(info), self.currentAppInstallation(info)]
        return next((node for node in known if node["id"] == gid), None)

    def nodes(self, info: Info, **arguments: list[str]) -> list[Any]:
        """Query: nodes."""
        return [self.node(info, id=gid) for gid in arguments["ids"]]

    def appSubscriptionCreate(  # noqa: N802
        self, _info: Info, **arguments: Any
    ) -> dict[str, Any]:
        """Mutation: appSubscriptionCreate, with one recurring 30-day line."""
        lines = [line["plan"].get("appRecurringPricingDetails") for line in arguments["lineItems"]]
        if len(lines) != 1 or lines[0] is None or lines[0]["interval"] != "EVERY_30_DAYS":
            message = "Exactly one recurring line item of 30 days is supported"
            errors = [{"field": ["lineItems"], "message": message}]
            return {"appSubscription": None, "confirmationUrl": None, "userErrors": errors}
        order = billing.Order(
            kind=ChargeKind.SUBSCRIPTION,
            name=arguments["name"],
            price=lines[0]["price"]["amount"],
            currency=lines[0]["price"]["currencyCode"],
            return_url=arguments["returnUrl"],
            test=bool(arguments.get("test")),
            trial_days=arguments.get("trialDays") or 0,
            replacement=arguments["replacementBehavior"],
        )
        return self._created("appSubscription", order)

    def appPurchaseOneTimeCreate(  # noqa: N802
        self, _info: Info, **arguments: Any
    ) -> dict[str, Any]:
        """Mutation: appPurchaseOneTimeCreate."""
        order = billing.Order(
            kind=ChargeKind.ONE_TIME,
            name=arguments["name"],
            price=arguments["price"]["amount"],
            currency=arguments["price"]["currencyCode"],
            return_url=arguments["returnUrl"],
            test=bool(arguments.get("test")),
        )
        return self._created("appPurchaseOneTime", order)

    def appSubscriptionCancel(  # noqa: N802
        self, _info: Info, **arguments: Any
    ) -> dict[str, Any]:
        """Mutation: appSubscriptionCancel."""
        charge = self._charge(arguments["id"])
        running = billing.running_subscription(self._shop)
        if charge is None or charge is not running:
            message = "Couldn't find RecurringApplicationCharge"
            return {"appSubscription": None, "userErrors": [{"field": ["id"], "message": message}]}
        billing.cancel(self._state, self._shop, charge, self._now)
        return {"appSubscription": charge_node(self._shop, charge), "userErrors": []}

    def stagedUploadsCreate(  # noqa: N802
        self, _info: Info, **arguments: Any
    ) -> dict[str, Any]:
        """Mutation: stagedUploadsCreate."""
        self._require("write_products", "stagedUploadsCreate")
        return uploads.stage(self._shop, arguments["input"], self._fake.base_url)

    def productUpdate(  # noqa: N802
        self, info: Info, **arguments: Any
    ) -> dict[str, Any]:
        """Mutation: productUpdate, for the description and for appending media."""
        self._require("write_products", "productUpdate")
        wanted = arguments.get("product") or {}
        gid = wanted.get("id", "")
        if self.product(info, id=gid) is None:
            errors = [{"field": ["id"], "message": "Product does not exist"}]
            return {"product": None, "userErrors": errors}
        errors = uploads.add_media(
            self._state,
            self._shop,
            gid,
            arguments.get("media") or [],
            self._fake.folder / "uploads",
        )
        if not errors and "descriptionHtml" in wanted:
            changes = self._shop.products.setdefault(gid, ProductChanges())
            changes.description_html = wanted["descriptionHtml"]
        return {"product": self.product(info, id=gid), "userErrors": errors}

    def _created(self, field: str, order: billing.Order) -> dict[str, Any]:
        errors = [
            {"field": path, "message": message} for path, message in billing.order_errors(order)
        ]
        if errors:
            return {field: None, "confirmationUrl": None, "userErrors": errors}
        charge = billing.create(self._state, self._shop, order, self._now)
        url = (
            f"{self._fake.admin_url(self._shop)}/charges/{charge.number}"
            f"/{CONFIRMATION_PAGE[charge.kind]}?signature={charge.signature}"
        )
        node = charge_node(self._shop, charge)
        return {field: node, "confirmationUrl": url, "userErrors": []}

    def _charge(self, gid: str) -> Charge | None:
        return next((charge for charge in self._shop.charges if charge.gid == gid), None)

    def _products(self, field: str) -> list[dict[str, Any]]:
        self._require("read_products", field)
        return product_nodes(self._shop, self._fake.base_url)

    def _require(self, scope: str, field: str) -> None:
        granted = set(self._shop.scopes)
        granted |= {re.sub("^write_", "read_", held) for held in granted}
        if scope not in granted:
            raise GraphQLError(
                f"Access denied for {field} field. Required access: `{scope}` access scope.",
                extensions={
                    "code": "ACCESS_DENIED",
                    "documentation": "https://shopify.dev/api/usage/access-scopes",
                    "requiredAccess": f"`{scope}` access scope.",
                },
            )


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _date_time_text(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
