"""The JSON form of a run, shared by the API and the live events."""

from __future__ import annotations

from typing import Any

from generations.media import links
from generations.models import Generation, Picture


def generation_json(account_id: int, generation_id: str) -> dict[str, Any] | None:
    """A run as the API and the event `generation` carry it; None for another account's."""
    generation = (
        Generation.objects.select_related("account", "spend")
        .prefetch_related("pictures")
        .filter(account_id=account_id, pk=generation_id)
        .first()
    )
    return None if generation is None else represent(generation)


def represent(generation: Generation) -> dict[str, Any]:
    """The JSON form of a run that has been read with its account, spend and pictures."""
    spend = generation.spend
    return {
        "id": str(generation.pk),
        "tool": generation.tool,
        "resolution": generation.resolution or None,
        "seconds": generation.seconds,
        "state": generation.state,
        "outcome": generation.outcome or None,
        "message": generation.message or None,
        "cost": generation.price,
        "split": {
            "plan": -spend.plan_delta if spend else 0,
            "package": -spend.package_delta if spend else 0,
        },
        "version": generation.account.version,
        "engine": generation.engine or None,
        "model": generation.model or None,
        "label": generation.label or None,
        "created_at": generation.created_at.isoformat(),
        "finished_at": generation.finished_at.isoformat() if generation.finished_at else None,
        "outputs": [
            _picture(picture)
            for picture in generation.pictures.all()
            if picture.role == Picture.Role.OUTPUT
        ],
    }


def _picture(picture: Picture) -> dict[str, Any]:
    return {
        "id": str(picture.pk),
        "url": links.link(picture, download=True),
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.size,
    }
