"""Workspaces of people who sign up on the web, without a store."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import email_confirmed, user_signed_up
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from credits import ledger
from credits.accounts import recipients
from credits.models import Account
from ecomvance_app import clock
from shopify_auth.domains import hashed_mailbox
from shopify_auth.models import Mailbox, Membership, Person

# Who signs up on the way to one of these wants to join an account, not to open one.
JOINING = ("/dashboard/connect", "/dashboard/invitations/")


def open_account(person: Person) -> Account | None:
    """The person's account; opened, with its trial running, when they have none.

    The person's row is locked, so that a link that is opened twice starts one trial. Whoever is a
    member of an account already, such as a store's, starts none. None when the mailbox has had its
    workspace before.
    """
    with transaction.atomic():
        locked = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
        membership = Membership.objects.filter(person=locked).order_by("joined_at", "pk").first()
        if membership is not None:
            return membership.account
        now = clock.now()
        if locked.email:
            _mailbox, is_first = Mailbox.objects.get_or_create(
                digest=hashed_mailbox(locked.email), defaults={"opened_at": now}
            )
            if not is_first:
                return None
        account = ledger.open_account(name=locked.name, now=now)
        Membership.objects.create(person=locked, account=account)
        if locked.email:
            recipients.add_confirmed(account.pk, locked.email)
    return account


@receiver(user_signed_up, dispatch_uid="note-joining")
def note_joining(request: HttpRequest, user: Person, **_kwargs: Any) -> None:
    """Who signs up from an invitation or a store's link gets no workspace unasked, and goes on there."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if target.startswith(JOINING):
        user.wants_workspace = False
        user.save(update_fields=["wants_workspace"])
        request.session["joining"] = target


@receiver(email_confirmed, dispatch_uid="open-account")
def open_confirmed_account(email_address: Any, **_kwargs: Any) -> None:
    """A web sign-up gets its trial once its email address is confirmed, and not before."""
    person = email_address.user
    if person.wants_workspace and not person.is_staff:
        open_account(person)
