"""The people of an account: invited, joined, changed, removed, gone by themselves.

An account never loses its last owner; a store with the app always has one in its admin.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from credits.accounts import recipients
from credits.models import Account
from credits.refusals import Refusal
from shopify_auth.linking import mails, secrets
from shopify_auth.models import Invitation, Membership, Person, Shop
from shopify_auth.stores import connections

INVITATION_LIFE = timedelta(days=7)
MOST_OPEN = 20

Role = Membership.Role


class PeopleRefused(Refusal):
    """Nobody came, went or changed."""


def invite(account: Account, email: str, role: str, by: Person | None) -> str:
    """Mail an invitation and return its token; an open one to the same address is replaced."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise PeopleRefused(_("Enter an email address."), "bad_address", "email") from None
    _check_role(role)
    if Membership.objects.filter(account=account, person__email=email).exists():
        raise PeopleRefused(_("This person is a member already."), "known", "email")
    now = timezone.now()
    waiting = Invitation.objects.filter(account=account, accepted_at=None)
    waiting.filter(expires_at__lte=now).delete()
    if waiting.exclude(email=email).count() >= MOST_OPEN:
        raise PeopleRefused(_("Too many invitations wait for an answer."))
    token = secrets.new_token()
    try:
        with transaction.atomic():
            waiting.filter(email=email).delete()
            invitation = Invitation.objects.create(
                account=account,
                email=email,
                role=role,
                token_digest=secrets.digest(token),
                invited_by=by,
                created_at=now,
                expires_at=now + INVITATION_LIFE,
            )
            mails.invite(invitation, token)
    except OSError:
        raise PeopleRefused(_("The email could not be sent. Try again in a minute.")) from None
    return token


def withdraw(account: Account, invitation_id: int) -> None:
    """Take an invitation back."""
    if not Invitation.objects.filter(account=account, pk=invitation_id, accepted_at=None).delete()[
        0
    ]:
        raise PeopleRefused(_("There is no such invitation."), "unknown", status=404)


def find_invitation(token: str) -> Invitation | None:
    """The invitation behind a link, while it can be accepted."""
    return (
        Invitation.objects.select_related("account", "invited_by")
        .filter(token_digest=secrets.digest(token), accepted_at=None, expires_at__gt=timezone.now())
        .first()
    )


def accept(token: str, person: Person) -> Account:
    """Join the account, once; only with the address that was invited."""
    invitation = find_invitation(token)
    if invitation is None:
        raise PeopleRefused(_("This invitation was used or withdrawn, or is older than 7 days."))
    if invitation.email != (person.email or "").lower():
        raise PeopleRefused(
            _("This invitation is for another email address. Sign in with that one.")
        )
    with transaction.atomic():
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None)
        if not taken.update(accepted_at=timezone.now()):
            raise PeopleRefused(_("This invitation was used."))
        Membership.objects.get_or_create(
            person=person, account=invitation.account, defaults={"role": invitation.role}
        )
        Person.objects.filter(pk=person.pk).update(last_account=invitation.account)
        transaction.on_commit(lambda: mails.tell_linked(invitation.account, person))
    return invitation.account


def change_role(account: Account, membership_id: int, role: str) -> None:
    """Give a member another role."""
    _check_role(role)
    with transaction.atomic():
        member = _locked(account, membership_id)
        if role != Role.OWNER:
            _check_not_last_owner(account, member)
        member.role = role
        member.save(update_fields=["role"])


def remove(account: Account, membership_id: int) -> None:
    """End a membership: page, key and warnings stop at once. What they made stays, and says by whom."""
    with transaction.atomic():
        member = _locked(account, membership_id)
        _check_not_last_owner(account, member)
        person = member.person
        connections.end_connections(person, account.pk)
        Person.objects.filter(pk=person.pk, last_account=account).update(last_account=None)
        if person.email:
            recipients.remove(account, person.email)
        member.delete()


def leave(account_id: int, person: Person) -> None:
    """End one's own membership."""
    member = Membership.objects.select_related("account").filter(
        person=person, account_id=account_id
    )
    found = member.first()
    if found is None:
        raise PeopleRefused(_("You are not a member there."), "unknown", status=404)
    remove(found.account, found.pk)


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise PeopleRefused(_("Choose a role."), "unknown_role", "role")


def _locked(account: Account, membership_id: int) -> Membership:
    """The member, under the account's lock, so that two owners cannot remove each other."""
    Account.objects.select_for_update(no_key=True, of=("self",)).get(pk=account.pk)
    member = (
        Membership.objects.select_related("person")
        .filter(account=account, pk=membership_id)
        .first()
    )
    if member is None:
        raise PeopleRefused(_("There is no such member."), "unknown", status=404)
    return member


def _check_not_last_owner(account: Account, member: Membership) -> None:
    if member.role != Role.OWNER:
        return
    if Shop.objects.filter(account=account, state=Shop.State.INSTALLED).exists():
        return
    others = Membership.objects.filter(account=account, role=Role.OWNER).exclude(pk=member.pk)
    if not others.exists():
        raise PeopleRefused(
            _("An account needs an owner. Make somebody else an owner first."), "last_owner"
        )
