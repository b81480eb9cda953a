"""What other apps announce and runs must follow: a store that left, a store to be forgotten."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from credits.signals import account_erased, account_suspended
from ecomvance_app import clock
from generations.media import storage
from generations.models import (
    AssistDay,
    Conversation,
    DismissedHint,
    Generation,
    Picture,
    ProviderConsent,
)
from generations.results import data_exports, problems
from generations.runs import approvals, batches, lifecycle


@receiver(account_suspended, dispatch_uid="cancel-waiting-runs")
def cancel_waiting(account_id: int, **_kwargs: Any) -> None:
    """Work that has not begun is cancelled and given back, whoever asked for it; what waits for an
    owner's word lapses.
    """
    approvals.close_all(account_id, clock.now())
    lifecycle.cancel_waiting(account_id)


@receiver(account_erased, dispatch_uid="erase-runs")
def erase(account_id: int, **_kwargs: Any) -> dict[str, int]:
    """Pictures, prompts and product names go; price, state and spend stay with the ledger.

    What has not ended is cancelled first: a result that came later would be kept for nobody.
    """
    lifecycle.cancel_unfinished(account_id)
    approvals.erase(account_id)
    problems.erase(account_id)
    data_exports.erase(account_id)
    pictures = Picture.objects.filter(generation__account_id=account_id)
    names = [name for pair in pictures.values_list("file", "preview") for name in pair if name]
    batches.erase(account_id)
    erased, _ = pictures.delete()
    ProviderConsent.objects.filter(account_id=account_id).delete()
    for model in (Conversation, AssistDay, DismissedHint):
        model.objects.filter(account_id=account_id).delete()
    runs = Generation.objects.filter(account_id=account_id).update(
        prompt="",
        options={},
        product_data={},
        products=[],
        product_id="",
        product_title="",
        requested_by=None,
        error="",
        truth={},
    )
    # After commit: rows that stay after all must find their files. What is left behind by a storage
    # that is away, the nightly sweep removes.
    transaction.on_commit(lambda: storage.delete_all(names), robust=True)
    return {"pictures": erased, "runs": runs}
