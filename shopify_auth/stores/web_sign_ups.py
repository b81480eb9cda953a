"""Accounts of people who sign up on the web, without a store."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import email_confirmed
from django.db import transaction
from django.dispatch import receiver

from credits import alerts, ledger
from credits.models import Account
from ecomvance_app import clock
from shopify_auth.models import Membership, Person


def open_account(person: Person) -> Account:
    """The person's account; opened, with its trial running, when they have none.

    The person's row is locked, so that a link that is opened twice starts one trial. Whoever is a
    member of an account already, such as a store's, starts none.
    """
    with transaction.atomic():
        locked = Person.objects.select_for_update().get(pk=person.pk)
        membership = Membership.objects.filter(person=locked).order_by("joined_at", "pk").first()
        if membership is not None:
            return membership.account
        account = ledger.open_account(name=locked.name, now=clock.now())
        Membership.objects.create(person=locked, account=account)
        if locked.email:
            alerts.add_recipient(account.pk, locked.email)
    return account


@receiver(email_confirmed, dispatch_uid="open-account")
def open_confirmed_account(email_address: Any, **_kwargs: Any) -> None:
    """A web sign-up gets its trial once its email address is confirmed, and not before."""
    if not email_address.user.is_staff:
        open_account(email_address.user)
