"""The routes of batches below `/api/v1`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any

from django.http import Http404
from ninja import Header, Router, Status

from ecomvance_app.api import bodies, orders, schemas
from ecomvance_app.http import MerchantRequest
from generations.models import Batch
from generations.runs import batches
from generations.runs.batches.representations import batch_json
from generations.runs.orders import Order

router = Router()

Key = Annotated[schemas.Key, Header(alias="Idempotency-Key")]
BatchKey = Annotated[schemas.BatchKey, Header(alias="Idempotency-Key")]
_CHARGES = schemas.refusals(404, 409, 413, 415, 422, 503) | {402: schemas.InsufficientCreditsError}


@router.post(
    "/batches",
    operation_id="createBatch",
    response={200: schemas.Batch, 201: schemas.Batch, **_CHARGES},
    openapi_extra=schemas.request_body(
        schemas.BatchRequest, schemas.BatchSettings, batches.MAX_ITEMS, needs_image=True
    ),
)
def create_batch(request: MerchantRequest, idempotency_key: BatchKey) -> Any:
    """AI Shadowing of 1 to 50 products with the same settings: all are charged together, or none.

    Each item is a run of its own, the first ones charged under the key `{Idempotency-Key}:{n}`. With
    `sample` and more than three items only the first three are charged and run until you resume.
    """
    settings, sources = _read(request)
    asked_for = [
        Order(
            batches.TOOL,
            settings.resolution,
            prompt=settings.prompt,
            options=settings.options,
            **source,
        )
        for source in sources
    ]
    batch, created = batches.place(
        orders.requester(request),
        asked_for,
        idempotency_key,
        together=batches.Together(three_first=settings.sample),
        max_credits=settings.max_credits,
    )
    return Status(201 if created else 200, batch_json(batch))


def _read(request: MerchantRequest) -> tuple[schemas.BatchSettings, list[dict[str, Any]]]:
    """The settings of the body, and what each of its items works on."""
    if bodies.is_multipart(request):
        settings, files = bodies.read_multipart(request, schemas.BatchSettings, batches.MAX_ITEMS)
        return settings, [{"uploads": (upload,)} for upload in files.get("image", ())]
    asked = bodies.read_json(request, schemas.BatchRequest)
    return asked, [
        {"product_id": item.product_id, "photo_id": item.photo_id} for item in asked.items
    ]


@router.get(
    "/batches/{uuid:batch_id}",
    operation_id="getBatch",
    response={200: schemas.Batch, **schemas.refusals(404)},
)
def get_batch(request: MerchantRequest, batch_id: uuid.UUID) -> Any:
    """A batch of this account; 404 for every other."""
    batch = Batch.objects.filter(account_id=request.account.pk, pk=batch_id).first()
    if batch is None:
        raise Http404
    return batch_json(batch)


@router.post(
    "/batches/{uuid:batch_id}/resume",
    operation_id="resumeBatch",
    response={200: schemas.Batch, **_CHARGES},
    openapi_extra=schemas.optional_body(schemas.ResumeRequest),
)
def resume_batch(request: MerchantRequest, batch_id: uuid.UUID, idempotency_key: Key) -> Any:
    """Go on: charge and run what waits for your word, or the first `count` items of it.

    A paused batch goes on with what it was charged for, and charges more only with `count`. 402
    with `runnable` when the credits do not suffice, 409 when the batch has ended.
    """
    asked = bodies.read_optional_json(request, schemas.ResumeRequest)
    return _answer(
        lambda: batches.resume(
            orders.requester(request),
            batch_id,
            idempotency_key,
            count=asked.count,
            max_credits=asked.max_credits,
        )
    )


@router.post(
    "/batches/{uuid:batch_id}/retry",
    operation_id="retryBatch",
    response={200: schemas.Batch, **_CHARGES},
    openapi_extra=schemas.optional_body(schemas.RetryRequest),
)
def retry_batch(request: MerchantRequest, batch_id: uuid.UUID, idempotency_key: Key) -> Any:
    """Charge the failed items again and run them; each new run takes the failed one's place."""
    asked = bodies.read_optional_json(request, schemas.RetryRequest)
    return _answer(
        lambda: batches.retry(
            orders.requester(request), batch_id, idempotency_key, max_credits=asked.max_credits
        )
    )


@router.post(
    "/batches/{uuid:batch_id}/pause",
    operation_id="pauseBatch",
    response={200: schemas.Batch, **schemas.refusals(404, 409)},
)
def pause_batch(request: MerchantRequest, batch_id: uuid.UUID) -> Any:
    """Let nothing more of the batch begin, for 24 hours at most; then what waits is given back."""
    return _answer(lambda: batches.pause(request.account.pk, batch_id))


@router.post(
    "/batches/{uuid:batch_id}/cancel",
    operation_id="cancelBatch",
    response={200: schemas.Batch, **schemas.refusals(404, 409)},
)
def cancel_batch(request: MerchantRequest, batch_id: uuid.UUID) -> Any:
    """End the batch: what waits is given back, what is running goes on."""
    return _answer(lambda: batches.cancel(request.account.pk, batch_id))


def _answer(act: Callable[[], Batch]) -> Any:
    try:
        return batch_json(act())
    except Batch.DoesNotExist:
        raise Http404 from None
