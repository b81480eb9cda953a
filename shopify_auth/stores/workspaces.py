"""A workspace without a store is closed by its owner; a store's account ends by uninstalling."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger, queries
from credits.accounts import limits
from credits.models import Account
from credits.refusals import Refusal
from credits.signals import account_suspended
from ecomvance_app import clock
from shopify_auth.models import Membership, Person
from shopify_auth.stores import uninstalls
from shopify_auth.stores.connections import is_of_store


class ClosingRefused(Refusal):
    """The account is not closed here."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What closing a workspace takes: its credits now, and how many others come to it."""

    credits: int
    other_people: int


def can_close(account: Account) -> bool:
    """Whether it is a workspace: no store is behind it, nor was."""
    return not is_of_store(account)


def read_loss(account: Account) -> Loss:
    """What closing would take now."""
    people = Membership.objects.filter(account=account).count()
    return Loss(queries.get_balance(account.pk, clock.now()).total, max(0, people - 1))


def close(account: Account) -> None:
    """End a workspace for good: everybody's way to it, its pictures, its words, its trial.

    What has not begun is cancelled and given back, what runs is cancelled; nothing is delivered any
    more. The ledger stays, and the mailbox gets no second trial. ClosingRefused for a store's account.
    """
    now = clock.now()
    with transaction.atomic():
        locked = Account.objects.select_for_update().get(pk=account.pk)
        if not can_close(locked):
            text = _("A store's account ends when the store removes the app in Shopify.")
            raise ClosingRefused(text, "has_store", status=409)
        ledger.read_settled(locked, now, is_fresh=True)
        account_suspended.send(sender=Account, account_id=locked.pk, now=now)
        Person.objects.filter(last_account=locked).update(last_account=None)
        uninstalls.end_memberships(locked.pk)
        uninstalls.erase_account(locked.pk)
        limits.retire(locked.pk, now)
