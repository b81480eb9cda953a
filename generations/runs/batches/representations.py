"""The JSON form of a batch, as the API answers it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from generations.models import Batch, Generation
from generations.runs.batches import progress
from generations.runs.representations import represent


def batch_json(batch: Batch, now: datetime | None = None) -> dict[str, Any]:
    """How the batch stands, with its charged items in order by their newest runs.

    Counts are of all items; a run that was deleted is not shown.
    """
    runs = (
        Generation.objects.filter(batch_item__batch=batch, deleted_at=None)
        .select_related("account", "spend")
        .prefetch_related("pictures")
        .order_by("batch_item__position")
    )
    shown = [represent(run).model_dump(mode="json") for run in runs]
    return {"id": str(batch.pk), **asdict(progress.read(batch, now)), "generations": shown}
