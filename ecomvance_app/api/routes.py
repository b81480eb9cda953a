"""The routes of `/api/v1`. A view's first argument must be called `request`: django-ninja asks so."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, cast

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
from ecomvance_app.api import batch_routes, bodies, errors, orders, schemas
from ecomvance_app.api.throttling import AccountThrottle
from ecomvance_app.http import MerchantRequest
from generations import catalog, models, options
from generations.assist import answers, streaming
from generations.engines.routing import Route
from generations.runs import lifecycle, queries, quote
from generations.runs.outages import health
from generations.runs.quote import RunRefused
from generations.runs.representations import Generation, State, generation_json, represent
from generations.runs.request import place

IdempotencyKey = Annotated[schemas.Key, Header(alias="Idempotency-Key")]


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
api.add_router("", batch_routes.router)


_ORDER_BODY = schemas.request_body(
    schemas.GenerationRequest, schemas.GenerationRequest, schemas.MAX_IMAGES, needs_image=False
)
_ORDER_REFUSALS = schemas.refusals(404, 409, 413, 415, 422, 503) | {
    402: schemas.InsufficientCreditsError
}


@api.get("/balance", operation_id="getBalance", response={200: Balance, **schemas.refusals()})
def balance(request: MerchantRequest) -> Any:
    """What the account holds now."""
    return balance_json(credit_queries.get_balance(request.account.pk))


@api.get(
    "/tools", operation_id="listTools", response={200: schemas.Catalogue, **schemas.refusals()}
)
def tools(request: MerchantRequest) -> Any:
    """Every tool with its prices."""
    routes = health.routes()
    return {"tools": [_tool_json(tool, routes[tool.slug]) for tool in catalog.TOOLS.values()]}


def _tool_json(tool: catalog.Tool, route: Route) -> schemas.Tool:
    return schemas.Tool(
        slug=tool.slug,
        name=tool.name,
        suite=tool.suite,
        output=tool.output,
        summary=str(tool.summary),
        max_images=tool.max_images,
        variants=[_variant_json(variant, route) for variant in tool.variants],
        prompt=tool.takes_prompt,
        options=options.json_schema(options.for_engine(tool.options, route.engine)),
        sources=schemas.Sources.model_validate(tool.sources),
        engine=cast("Any", route.engine or None),
        model=route.model or None,
        label=route.label,
        available=route.unavailable_reason is None,
        unavailable_reason=route.unavailable_reason,
    )


def _variant_json(variant: catalog.Variant, route: Route) -> schemas.Variant:
    return schemas.Variant(
        credits=quote.price_now(variant, route.label),
        list_credits=variant.credits,
        resolution=variant.resolution,
        seconds=cast("Any", variant.seconds),
    )


@api.post(
    "/generations",
    operation_id="createGeneration",
    response={200: Generation, 201: Generation, **_ORDER_REFUSALS},
    openapi_extra=_ORDER_BODY,
)
def create_generation(request: MerchantRequest, idempotency_key: IdempotencyKey) -> Any:
    """Run a tool: 201 the run, 200 the same run for a repeated key.

    The price is taken when the run is accepted. Every refusal charges and stores nothing, and
    leaves the key free.
    """
    order = orders.read_order(request)
    generation, created = place(orders.requester(request), order, idempotency_key)
    shown = generation_json(request.account.pk, str(generation.pk), deleted_too=True)
    return Status(201 if created else 200, shown)


@api.post(
    "/quotes",
    operation_id="createQuote",
    response={200: schemas.Quote, **schemas.refusals(404, 409, 413, 415, 422, 503)},
    openapi_extra=_ORDER_BODY,
)
def create_quote(request: MerchantRequest) -> Any:
    """What a run would cost and what would pay it. Charges and stores nothing, decodes no picture."""
    return quote.quote(request.account.pk, orders.read_order(request))


@api.get(
    "/generations",
    operation_id="listGenerations",
    response={200: schemas.GenerationPage, **schemas.refusals(422)},
)
def list_generations(
    request: MerchantRequest,
    before: Annotated[schemas.Cursor | None, Query()] = None,
    tool: Annotated[schemas.ToolFilter | None, Query()] = None,
    state: Annotated[State | Literal[""] | None, Query()] = None,
) -> Any:
    """Runs of this account, newest first, at most 100; `next` is the `before` of the next page."""
    for unknown in request.GET.keys() - {"before", "tool", "state"}:
        raise errors.invalid(unknown, _("There is no such parameter"))
    if tool and tool not in catalog.TOOLS:
        raise errors.invalid("tool", _("There is no such tool"))
    try:
        runs, following = queries.list_page(
            request.account.pk, before=before or "", tool=tool or "", state=state or ""
        )
    except ValueError:
        raise errors.invalid("before", _("There is no such cursor")) from None
    return {"generations": [represent(run) for run in runs], "next": following or None}


@api.post(
    "/generations/{uuid:generation_id}/cancel",
    operation_id="cancelGeneration",
    response={200: Generation, **schemas.refusals(404, 409)},
)
def cancel_generation(request: MerchantRequest, generation_id: uuid.UUID) -> Any:
    """Cancel a run: one that waits is given back, one that is running is not.

    409 for one that has ended.
    """
    get_generation(request, generation_id)
    if not lifecycle.cancel(request.account.pk, str(generation_id)):
        raise RunRefused(_("This run has ended already."), "already_final", status=409)
    return get_generation(request, generation_id)


@api.delete(
    "/generations/{uuid:generation_id}",
    operation_id="deleteGeneration",
    response={204: None, **schemas.refusals(404, 409)},
)
def delete_generation(request: MerchantRequest, generation_id: uuid.UUID) -> Any:
    """Take a run away; 404 from then on, 409 for one that has not ended."""
    try:
        deleted = lifecycle.delete(request.account.pk, str(generation_id))
    except models.Generation.DoesNotExist:
        raise Http404 from None
    if not deleted:
        message = _("This run has not ended. Cancel it first.")
        raise RunRefused(message, "not_final", status=409)
    return Status(204, None)


@api.get(
    "/generations/{uuid:generation_id}",
    operation_id="getGeneration",
    response={200: Generation, **schemas.refusals(404)},
)
def get_generation(request: MerchantRequest, generation_id: uuid.UUID) -> Any:
    """A run of this account; 404 for every other."""
    found = generation_json(request.account.pk, str(generation_id))
    if found is None:
        raise Http404
    return found


@api.post(
    "/assist",
    operation_id="askAssistant",
    response={200: Any, **schemas.refusals(404, 413, 415, 422)},
    openapi_extra=schemas.ASSIST,
)
def ask_assistant(request: MerchantRequest) -> Any:
    """Ask the assistant: server-sent events `delta`, `draft` and `source`, then `done` or `error`.

    It reads and proposes; nothing is charged, started or changed. 429 also above the account's fair
    use of the day.
    """
    if bodies.is_multipart(request):
        raise errors.UnsupportedContent
    asked = bodies.read_json(request, schemas.Question)
    person_id = request.person.pk if request.person else None
    try:
        answer = answers.ask(
            request.account, person_id, str(asked.conversation or ""), asked.message, clock.now()
        )
    except models.Conversation.DoesNotExist:
        raise Http404 from None
    return streaming.respond(request, answer)


@api.get("/usage", operation_id="getUsage", response={200: schemas.Usage, **schemas.refusals(422)})
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
