"""The routes of `/api/v1`. A view's first argument must be called `request`: django-ninja asks so."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Header, NinjaAPI, Query, Status
from ninja.security.base import AuthBase

from credits import ledger
from credits import queries as credit_queries
from credits.models import Account
from credits.periods import local_day
from credits.reports import usage as credit_usage
from credits.representations import Balance, balance_json, usage_json
from ecomvance_app import clock
from ecomvance_app.api import bodies, errors, schemas
from ecomvance_app.api.throttling import AccountThrottle
from ecomvance_app.http import MerchantRequest
from generations import catalog
from generations.engines import routing
from generations.runs import batches
from generations.runs.batches import place_batch
from generations.runs.representations import Generation, generation_json
from generations.runs.request import Order, Requester, RunRefused, place

IdempotencyKey = Annotated[schemas.Key, Header(alias="Idempotency-Key")]
BatchKey = Annotated[schemas.BatchKey, Header(alias="Idempotency-Key")]


class SessionToken(AuthBase):
    """Shopify's session token, verified by the identity middleware.

    The web dashboard's cookie opens no route here: a cookie travels with requests that the
    merchant's browser makes for other sites.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815 - OpenAPI's word

    def __call__(self, request: HttpRequest) -> Account | None:
        if getattr(request, "surface", None) != "embedded":
            return None
        account: Account | None = getattr(request, "account", None)
        return account


class ConnectionKey(AuthBase):
    """HTTP Basic with the key id and secret of a connection, verified by the identity middleware."""

    openapi_type = "http"
    openapi_scheme = "basic"

    def __call__(self, request: HttpRequest) -> Account | None:
        if getattr(request, "surface", None) != "api":
            return None
        account: Account | None = getattr(request, "account", None)
        return account


api = NinjaAPI(
    title="ecomVance",
    version="1",
    description="Credits, tools and runs of one merchant account.",
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
    auth=[SessionToken(), ConnectionKey()],
    throttle=[AccountThrottle()],
)
errors.register(api)


def _refusals(*statuses: int) -> dict[int, Any]:
    """Answers that every route can give, and those of this one."""
    return dict.fromkeys((401, 403, 405, 429, 500, *statuses), schemas.Error)


_ORDER_REFUSALS = _refusals(404, 409, 413, 415, 422, 503) | {402: schemas.InsufficientCreditsError}


@api.get("/balance", operation_id="getBalance", response={200: Balance, **_refusals()})
def balance(request: MerchantRequest) -> Any:
    """What the account holds now."""
    return balance_json(credit_queries.get_balance(request.account.pk))


@api.get("/tools", operation_id="listTools", response={200: schemas.Catalogue, **_refusals()})
def tools(request: MerchantRequest) -> Any:
    """Every tool with its prices."""
    return {"tools": [_tool_json(tool) for tool in catalog.TOOLS.values()]}


def _tool_json(tool: catalog.Tool) -> schemas.Tool:
    reason = routing.unavailable_reason(tool.slug)
    return schemas.Tool(
        slug=tool.slug,
        name=tool.name,
        suite=tool.suite,
        output=tool.output,
        summary=str(tool.summary),
        max_images=tool.max_images,
        variants=[schemas.Variant.model_validate(variant) for variant in tool.variants],
        available=reason is None,
        unavailable_reason=reason,
    )


@api.post(
    "/generations",
    operation_id="createGeneration",
    response={200: Generation, 201: Generation, **_ORDER_REFUSALS},
    openapi_extra=schemas.request_body(
        schemas.GenerationRequest,
        schemas.GenerationRequest,
        schemas.MAX_IMAGES,
        needs_image=False,
    ),
)
def create_generation(request: MerchantRequest, idempotency_key: IdempotencyKey) -> Any:
    """Run a tool: 201 the run, 200 the same run for a repeated key.

    The price is taken when the run is accepted. Every refusal charges and stores nothing, and
    leaves the key free.
    """
    if bodies.is_multipart(request):
        asked, uploads = bodies.read_multipart(
            request, schemas.GenerationRequest, schemas.MAX_IMAGES
        )
    else:
        asked, uploads = bodies.read_json(request, schemas.GenerationRequest), []
    order = Order(
        tool=asked.tool,
        resolution=asked.resolution or "",
        seconds=asked.seconds,
        prompt=asked.prompt,
        product_id=asked.product_id or "",
        uploads=tuple(uploads),
    )
    if order.uploads and order.product_id:
        message = _("Send image or product_id, not both.")
        raise RunRefused(message, "two_sources", "product_id")
    generation, created = place(_requester(request), order, idempotency_key)
    shown = generation_json(request.account.pk, str(generation.pk))
    return Status(201 if created else 200, shown)


@api.get(
    "/generations/{uuid:generation_id}",
    operation_id="getGeneration",
    response={200: Generation, **_refusals(404)},
)
def get_generation(request: MerchantRequest, generation_id: uuid.UUID) -> Any:
    """A run of this account; 404 for every other."""
    found = generation_json(request.account.pk, str(generation_id))
    if found is None:
        raise Http404
    return found


@api.post(
    "/batches",
    operation_id="createBatch",
    response={200: schemas.Batch, 201: schemas.Batch, **_ORDER_REFUSALS},
    openapi_extra=schemas.request_body(
        schemas.BatchRequest,
        schemas.BatchSettings,
        batches.MAX_ITEMS,
        needs_image=True,
    ),
)
def create_batch(request: MerchantRequest, idempotency_key: BatchKey) -> Any:
    """AI Shadowing of 1 to 50 products with the same settings: all are charged together, or none.

    Each item is a run of its own, charged under the key `{Idempotency-Key}:{n}`.
    """
    if bodies.is_multipart(request):
        settings, uploads = bodies.read_multipart(request, schemas.BatchSettings, batches.MAX_ITEMS)
        sources: list[dict[str, Any]] = [{"uploads": (upload,)} for upload in uploads]
    else:
        settings = asked = bodies.read_json(request, schemas.BatchRequest)
        sources = [{"product_id": item.product_id} for item in asked.items]
    orders = [
        Order(batches.TOOL, settings.resolution, prompt=settings.prompt, **source)
        for source in sources
    ]
    runs, created = place_batch(_requester(request), orders, idempotency_key)
    shown = [generation_json(request.account.pk, str(run.pk)) for run in runs]
    return Status(201 if created else 200, {"generations": shown})


@api.get("/usage", operation_id="getUsage", response={200: schemas.Usage, **_refusals(422)})
def usage(request: MerchantRequest, month: Annotated[schemas.Month | None, Query()] = None) -> Any:
    """The summary of a calendar month in the account's time zone; of the running one by default."""
    for unknown in request.GET.keys() - {"month"}:
        raise errors.invalid(unknown, _("There is no such parameter"))
    now = clock.now()
    account = ledger.read_settled(request.account, now)
    asked = month or f"{local_day(now, account.time_zone):%Y-%m}"
    year, number = (int(part) for part in asked.split("-"))
    report = credit_usage.read_month(account.pk, year, number)
    return {"month": asked, "time_zone": account.time_zone, **usage_json(report)}


def _requester(request: MerchantRequest) -> Requester:
    person_id = request.person.pk if request.person else None
    return Requester(request.account.pk, person_id, request.surface)
