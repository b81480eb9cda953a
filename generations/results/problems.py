"""Problems that merchants report of their runs: everything that staff need goes along by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from ecomvance_app import clock
from generations.models import Generation, ProblemReport
from generations.runs.orders import Requester

MOST_WORDS = 2000


def report(
    requester: Requester, generation: Generation, words: str, browser: str = ""
) -> ProblemReport:
    """Keep that something is wrong with this run; one that is open already is returned as it is.

    `words` may be empty; more than 2,000 characters are cut off.
    """
    told = {
        "account_id": generation.account_id,
        "reported_by_id": requester.person_id,
        "words": words.strip()[:MOST_WORDS],
        "facts": _facts(generation) | {"surface": requester.surface, "browser": browser[:300]},
        "reported_at": clock.now(),
    }
    kept, _is_new = ProblemReport.objects.get_or_create(
        generation=generation, closed_at=None, defaults=told
    )
    return kept


def find_open(generation: Generation) -> ProblemReport | None:
    """What was reported of this run and is not looked into yet."""
    return ProblemReport.objects.filter(generation=generation, closed_at=None).first()


def close(report_id: int, staff_id: int, now: datetime | None = None) -> ProblemReport:
    """Staff have looked into it; closing it again changes nothing."""
    with transaction.atomic():
        kept = ProblemReport.objects.select_for_update().get(pk=report_id)
        if kept.closed_at is None:
            kept.closed_at = clock.now() if now is None else now
            kept.closed_by_id = staff_id
            kept.save(update_fields=["closed_at", "closed_by"])
    return kept


def erase(account_id: int) -> int:
    """Forget what an account has reported; how many reports."""
    return ProblemReport.objects.filter(account_id=account_id).delete()[0]


def _facts(generation: Generation) -> dict[str, Any]:
    """The run as it stands: whatever support would ask the merchant for."""
    columns = (
        "tool", "resolution", "seconds", "prompt", "options", "product_id", "product_title", "price",
        "state", "outcome", "error", "engine", "model", "label", "attempts", "usage",
    )  # fmt: skip
    instants = ("created_at", "started_at", "finished_at")
    return {
        "run": str(generation.pk),
        "plan": generation.plan_part,
        "package": generation.package_part,
        "restored": generation.restored,
        **{name: getattr(generation, name) for name in columns},
        **{
            name: at.isoformat() if (at := getattr(generation, name)) else None for name in instants
        },
        "pictures": [
            {
                "id": str(picture.pk),
                "role": picture.role,
                "media_type": picture.media_type,
                "width": picture.width,
                "height": picture.height,
                "bytes": picture.size,
                "sha256": picture.sha256,
            }
            for picture in generation.pictures.all()
        ],
    }
