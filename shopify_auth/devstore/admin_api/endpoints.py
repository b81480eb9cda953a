"""The two addresses the app's server calls: the token endpoint and the GraphQL Admin API."""

from __future__ import annotations

import json
import time
from typing import Any

from django.http import HttpResponse, JsonResponse
from graphql import GraphQLError

from ecomvance_app import clock
from shopify_auth.devstore import billing, tokens
from shopify_auth.devstore.admin_api.execution import AdminApi
from shopify_auth.devstore.admin_api.throttle import document_cost
from shopify_auth.devstore.fake import FakeRequest, FakeShopify, shop_by_domain
from shopify_auth.devstore.state import Shop, State, TokenKind

# Longer than the app waits for an answer.
SLOW_SECONDS = 12
HIGHEST_COST = 1_000
BROKEN_STATUSES = {
    "server_error": (500, "Internal Server Error"),
    "frozen_store": (402, "Unavailable Shop"),
    "locked_store": (423, "Unavailable Shop"),
    "address_not_allowed": (403, "Forbidden"),
}


def access_token(request: FakeRequest, domain: str) -> HttpResponse:
    """POST /admin/oauth/access_token, JSON or form."""
    if request.method != "POST":
        return HttpResponse(status=405)
    form = _fields(request)
    _wait_if_slow(request.fake, domain)
    with request.fake.store.change() as state:
        shop = shop_by_domain(state, domain)
        broken = _broken_answer(shop)
        answer = broken or tokens.grant(shop, form)
    if answer.status == 520:
        return HttpResponse("error code: 520", status=520, content_type="text/plain")
    return JsonResponse(answer.body, status=answer.status)


def graphql(request: FakeRequest, domain: str, version: str) -> HttpResponse:
    """POST /admin/api/{version}/graphql.json with X-Shopify-Access-Token."""
    if request.method != "POST":
        return HttpResponse(status=405)
    fake = request.fake
    _wait_if_slow(fake, domain)
    with fake.store.change() as state:
        billing.let_time_pass(state, clock.now())
        shop = shop_by_domain(state, domain)
        answer = _refusal(shop, request) or _run(fake, state, shop, request.body)
    answer["X-Shopify-API-Version"] = version
    fake.courier.wake()
    return answer


def _wait_if_slow(fake: FakeShopify, domain: str) -> None:
    with fake.store.change() as state:
        slow = shop_by_domain(state, domain).takes("slow")
    if slow:
        time.sleep(SLOW_SECONDS)


def _fields(request: FakeRequest) -> dict[str, str]:
    if request.content_type == "application/json":
        return {str(key): str(value) for key, value in json.loads(request.body).items()}
    return {key: str(value) for key, value in request.POST.items()}


def _broken_answer(shop: Shop) -> tokens.Answer | None:
    """Why the token endpoint does not even look at the grant."""
    if shop.takes("too_many_requests"):
        return tokens.Answer(429, {"error": "too_many_requests"})
    for name, (status, message) in BROKEN_STATUSES.items():
        if shop.takes(name):
            return tokens.Answer(status, {"errors": message})
    return None


def _refusal(shop: Shop, request: FakeRequest) -> HttpResponse | None:
    """Why the API does not even look at the document, in the order in which Shopify checks."""
    for name, (status, message) in BROKEN_STATUSES.items():
        if shop.takes(name):
            return JsonResponse({"errors": message}, status=status)
    if shop.takes("too_many_requests"):
        busy = JsonResponse({"errors": "Exceeded 2 calls per second for api client."}, status=429)
        busy["Retry-After"] = "1.0"
        return busy
    token = tokens.accepted_token(shop, request.headers.get("X-Shopify-Access-Token", ""))
    if token is None:
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return JsonResponse({"errors": message}, status=401)
    if token.kind is TokenKind.OFFLINE and shop.takes("non_expiring_refused"):
        message = "[API] Non-expiring access tokens are no longer accepted for the Admin API."
        return JsonResponse({"errors": message}, status=403)
    return None


def _run(fake: FakeShopify, state: State, shop: Shop, body: bytes) -> HttpResponse:
    try:
        payload = json.loads(body)
        document, variables = str(payload["query"]), payload.get("variables") or {}
    except (ValueError, TypeError, KeyError):
        return JsonResponse(
            {"errors": {"query": "Required parameter missing or invalid"}}, status=400
        )
    try:
        requested = document_cost(document, variables)
    except GraphQLError as error:
        return JsonResponse({"errors": [error.formatted]})
    bucket = fake.bucket(shop)
    cost: dict[str, Any] = {"requestedQueryCost": requested, "actualQueryCost": None}
    if requested > HIGHEST_COST:
        message = f"Query cost is {requested}, which exceeds the single query max cost limit"
        return _coded_error(
            message, "MAX_COST_EXCEEDED", cost | {"throttleStatus": bucket.status()}
        )
    if shop.takes("throttled"):
        bucket.drain()
    if not bucket.take(requested):
        return _coded_error("Throttled", "THROTTLED", cost | {"throttleStatus": bucket.status()})
    answer = AdminApi(fake, state, shop).run(document, variables, payload.get("operationName"))
    cost |= {"actualQueryCost": requested, "throttleStatus": bucket.status()}
    return JsonResponse(answer | {"extensions": {"cost": cost}})


def _coded_error(message: str, code: str, cost: dict[str, Any]) -> HttpResponse:
    error = {
        "message": message,
        "extensions": {
            "code": code,
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        },
    }
    return JsonResponse({"errors": [error], "extensions": {"cost": cost}})
