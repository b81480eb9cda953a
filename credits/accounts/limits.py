"""What an account may not be charged although it could pay: a spending limit, a retired workspace."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import localize
from django.utils.translation import gettext as _

from credits.models import Account
from credits.refusals import Refusal


class ApprovalRequired(Refusal):
    """The price is above the limit that an owner has set. Nothing is stored or charged."""

    def __init__(self, price: int, limit: int) -> None:
        sentence = _(
            "This costs %(price)s credits, which is above your spending limit of %(limit)s. Ask an owner "
            "to start it."
        ) % {"price": localize(price), "limit": localize(limit)}
        super().__init__(sentence, "approval_required", status=403)


class WorkspaceRetired(Refusal):
    """Its owner works in a store's account now, and trial credits start nothing here any more."""

    def __init__(self) -> None:
        sentence = _(
            "This workspace is closed for new work since you joined a store. Switch to the store's "
            "account."
        )
        super().__init__(sentence, "workspace_retired", status=403)


def check(account_id: int, price: int, *, by_owner: bool = False) -> None:
    """Refuse what costs more than the account's limit unless an owner asks, and work in the trial of a
    retired workspace. `price` is the sum where several things are charged together.
    """
    if price == 0:
        return
    account = Account.objects.only("ask_above", "retired_at", "period_kind").get(pk=account_id)
    if account.retired_at is not None and account.period_kind == Account.Period.TRIAL:
        raise WorkspaceRetired
    if account.ask_above is not None and price > account.ask_above and not by_owner:
        raise ApprovalRequired(price, account.ask_above)


def set_limit(account_id: int, ask_above: int | None) -> None:
    """Ask an owner above so many credits; None for no limit."""
    Account.objects.filter(pk=account_id).update(ask_above=ask_above)


def retire(account_id: int, now: datetime) -> None:
    """Stop the trial days of a workspace. No credits move: what it holds, it keeps as it is."""
    Account.objects.filter(pk=account_id, retired_at=None).update(retired_at=now)
