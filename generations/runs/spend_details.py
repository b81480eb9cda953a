"""What the ledger's pages and its export say about the runs that spends paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from credits.reports.exports import RunDetails
from generations.models import Generation


def describe_spends(spend_ids: Sequence[int]) -> Mapping[int, RunDetails]:
    """Details by spend id, in one query; a spend that paid for no run is left out."""
    runs = Generation.objects.filter(spend__in=spend_ids).values_list(
        "spend", "pk", "outcome", "resolution", "seconds", "product_id", "product_title"
    )
    return {
        spend_id: RunDetails(
            run_id=str(run_id),
            outcome=outcome,
            size=resolution or (f"{seconds} s" if seconds else ""),
            product_id=product_id,
            product_title=product_title,
        )
        for spend_id, run_id, outcome, resolution, seconds, product_id, product_title in runs
    }
