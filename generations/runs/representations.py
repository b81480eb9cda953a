"""The JSON form of a run: what the API and the live events send, and what the OpenAPI document says
of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field

from credits.representations import Credits, Instant
from generations import models
from generations.media import links

Kind = Literal["image", "video", "text"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Split(BaseModel):
    """Which credits paid."""

    plan: Credits
    package: Credits


class Output(BaseModel):
    """A result. `url` is relative to this host and good for 15 minutes; null for text."""

    id: str
    kind: Kind
    url: str | None
    media_type: str
    width: int | None
    height: int | None
    seconds: float | None
    text: dict[str, Any] | None
    bytes: int


class Generation(BaseModel):
    """One run: what was asked for, what it cost, what came out."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    tool: str
    resolution: str | None
    seconds: int | None
    options: dict[str, Any]
    state: State
    outcome: str | None
    message: str | None
    cost: Credits
    split: Split
    version: int
    engine: str | None
    model: str | None
    label: str | None
    created_at: Instant
    finished_at: Instant | None
    outputs: list[Output]


def generation_json(
    account_id: int, generation_id: str, *, deleted_too: bool = False
) -> dict[str, Any] | None:
    """A run as the API and the event `generation` carry it; None for another account's, or deleted."""
    found = (
        models.Generation.objects.select_related("account", "spend")
        .prefetch_related("pictures")
        .filter(account_id=account_id, pk=generation_id)
        .first()
    )
    if found is not None and found.deleted_at and not deleted_too:
        return None
    return None if found is None else represent(found).model_dump(mode="json")


def represent(run: models.Generation) -> Generation:
    """The JSON form of a run that has been read with its account, spend and pictures."""
    return Generation(
        id=str(run.pk),
        tool=run.tool,
        resolution=run.resolution or None,
        seconds=run.seconds,
        options=run.options,
        state=cast("State", run.state),
        outcome=run.outcome or None,
        message=run.message or None,
        cost=run.price,
        split=Split(plan=run.plan_part, package=run.package_part),
        version=run.account.version,
        engine=run.engine or None,
        model=run.model or None,
        label=run.label or None,
        created_at=run.created_at.isoformat(),
        finished_at=run.finished_at.isoformat() if run.finished_at else None,
        outputs=[
            _output(picture)
            for picture in run.pictures.all()
            if picture.role == models.Picture.Role.OUTPUT
        ],
    )


def _output(picture: models.Picture) -> Output:
    return Output(
        id=str(picture.pk),
        kind=cast("Kind", picture.kind),
        url=links.link(picture, download=True) if picture.file else None,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        seconds=picture.seconds,
        text=picture.words,
        bytes=picture.size,
    )
