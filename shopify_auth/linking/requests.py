"""Linking a web person with a store: asked for by either side, approved inside the admin, confirmed on
the web. It moves no credits, no plan and no run.

Three ways lead to the same two steps: a link from the plugin, the store's domain on the web, and a
code typed on the other side. Source: decisions on accounts, shops and people.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from credits import ledger
from credits.accounts import limits
from credits.models import Account
from credits.refusals import Refusal
from ecomvance_app import clock
from shopify_auth.domains import is_shop_domain
from shopify_auth.linking import mails, secrets
from shopify_auth.models import LinkRequest, Membership, Person, Shop
from shopify_auth.stores import connections
from shopify_auth.stores.connections import Key

# How long the two steps may take once both sides are known.
REQUEST_LIFE = timedelta(hours=24)
MOST_OPEN = 5

State, Way = LinkRequest.State, LinkRequest.Way


class LinkRefused(Refusal):
    """The two sides do not come together; nothing changed."""


# --- The three ways ------------------------------------------------------------------------------


def link_from_store(shop: Shop) -> str:
    """The token of a link for one person of the web; good for an hour, once."""
    token = secrets.new_token()
    _new(Way.PLUGIN, token, secrets.LINK_LIFE, domain=shop.domain)
    return token


def ask_from_web(person: Person, domain: str) -> LinkRequest:
    """Ask a store by its domain. The answer is the same whether the store has the app or not."""
    domain = domain.strip().lower().removeprefix("https://").strip("/")
    if "." not in domain:
        domain = f"{domain}.myshopify.com"
    if not is_shop_domain(domain):
        raise LinkRefused(_("Enter the store's domain, like my-store.myshopify.com."), "bad_domain")
    mine = _live().filter(person=person)
    known = mine.filter(domain=domain).first()
    if known is not None:
        return known
    if mine.count() >= MOST_OPEN:
        raise LinkRefused(_("Too many stores are asked already. Wait for their answers."))
    return _new(Way.WEB, person=person, domain=domain)


def code_from_web(person: Person) -> str:
    """A code that an owner types in the store's admin; the one before it ends."""
    LinkRequest.objects.filter(way=Way.CODE, person=person, domain="").delete()
    code = secrets.new_code()
    _new(Way.CODE, code, secrets.CODE_LIFE, person=person)
    return code


def code_from_store(shop: Shop) -> str:
    """A code that the person types on the web; the one before it ends."""
    LinkRequest.objects.filter(way=Way.CODE, person=None, domain=shop.domain).delete()
    code = secrets.new_code()
    _new(Way.CODE, code, secrets.CODE_LIFE, domain=shop.domain)
    return code


def find_by_link(token: str) -> LinkRequest | None:
    """The request behind a link that nobody has used yet."""
    return _unused(token).filter(way=Way.PLUGIN).first()


def follow_link(token: str, person: Person) -> LinkRequest:
    """The person who opened the plugin's link asks for the store; the link is used up."""
    found = find_by_link(token)
    if found is None or not _use(found, token, person=person):
        raise LinkRefused(_("This link was used or is too old. Open a new one from Shopify."))
    return found


def take_code_on_web(code: str, person: Person, address: str) -> LinkRequest:
    """The person types the code that the store's admin shows."""
    found = _find_code(code, [f"person-{person.pk}", f"address-{address}"], person=None)
    if not _use(found, code, person=person):
        raise _wrong_code()
    return found


def take_code_in_store(code: str, shop: Shop, staff: Person, address: str) -> LinkRequest:
    """An owner types the code that the person's page shows."""
    found = _find_code(code, [f"person-{staff.pk}", f"address-{address}"], domain="")
    if not _use(found, code, domain=shop.domain):
        raise _wrong_code()
    return found


# --- The two steps -------------------------------------------------------------------------------


def waiting_at(shop: Shop) -> QuerySet[LinkRequest]:
    """Who asks this store, for its owner to decide."""
    asked = _live().filter(domain=shop.domain, state=State.OPEN).exclude(person=None)
    return asked.select_related("person").order_by("created_at")


def requests_of(person: Person) -> QuerySet[LinkRequest]:
    """What this person has asked for and is not settled."""
    return _live().filter(person=person).exclude(domain="").order_by("created_at")


def approve(request_id: str, shop: Shop, staff: Person | None, role: str) -> LinkRequest:
    """The store's owner lets the person in, with this role, once they have confirmed."""
    if role not in Membership.Role.values:
        raise LinkRefused(_("Choose a role."), "unknown_role")
    found = _asked(request_id, shop)
    if shop.state != Shop.State.INSTALLED or not _move(
        found, State.OPEN, State.APPROVED, role=role, approved_by=staff
    ):
        raise LinkRefused(_("This request is not open any more."))
    found.refresh_from_db()
    return found


def decline(request_id: str, shop: Shop) -> None:
    """The store's owner does not let the person in."""
    found = _asked(request_id, shop)
    is_open = found.state in (State.OPEN, State.APPROVED)
    if not is_open or not _move(found, found.state, State.DECLINED):
        raise LinkRefused(_("This request is not open any more."))


def confirm(request: LinkRequest, person: Person) -> Key:
    """The person comes to the store's account: membership, connection, and a key shown once.

    At a reconnection the old key stops at once. Workspaces that the person owns are retired.
    """
    with transaction.atomic():
        shop = (
            Shop.objects.select_for_update(no_key=True, of=("self",))
            .filter(domain=request.domain, state=Shop.State.INSTALLED)
            .exclude(account=None)
            .first()
        )
        account = shop.account if shop is not None else None
        if shop is None or account is None or request.person_id != person.pk:
            raise LinkRefused(_("This store does not have the app any more."))
        if not _move(request, State.APPROVED, State.LINKED):
            raise LinkRefused(_("This request is not open any more. Ask the store again."))
        request.refresh_from_db()
        member, is_new = Membership.objects.get_or_create(
            person=person, account=account, defaults={"role": request.role}
        )
        if not is_new and member.role != Membership.Role.OWNER:
            member.role = request.role
            member.save(update_fields=["role"])
        _retire_workspaces(person)
        Person.objects.filter(pk=person.pk).update(last_account=account, wants_workspace=False)
        key = connections.issue_key(connections.connect(shop, person))
        transaction.on_commit(lambda: mails.tell_linked(account, person))
    return key


def workspaces_of(person: Person) -> QuerySet[Account]:
    """Accounts without a store that this person owns: linking retires them."""
    return Account.objects.filter(
        memberships__person=person,
        memberships__role=Membership.Role.OWNER,
        shops=None,
        retired_at=None,
    )


def _retire_workspaces(person: Person) -> None:
    now = clock.now()
    for workspace in workspaces_of(person):
        # A day that has begun is granted before the days stop, so that linking changes no balance.
        ledger.read_settled(workspace, now)
        limits.retire(workspace.pk, now)


# --- Parts ---------------------------------------------------------------------------------------


def _new(
    way: str,
    secret: str = "",
    life: timedelta = REQUEST_LIFE,
    *,
    person: Person | None = None,
    domain: str = "",
) -> LinkRequest:
    now = timezone.now()
    return LinkRequest.objects.create(
        way=way,
        person=person,
        domain=domain,
        secret_digest=secrets.digest(secret) if secret else "",
        secret_expires_at=now + life if secret else None,
        created_at=now,
        expires_at=now + life,
    )


def _live() -> QuerySet[LinkRequest]:
    return LinkRequest.objects.filter(
        state__in=[State.OPEN, State.APPROVED], expires_at__gt=timezone.now()
    )


def _unused(secret: str) -> QuerySet[LinkRequest]:
    if not secret:
        return LinkRequest.objects.none()
    return LinkRequest.objects.filter(
        secret_digest=secrets.digest(secret), secret_expires_at__gt=timezone.now(), state=State.OPEN
    )


def _use(found: LinkRequest, secret: str, **other_side: Person | str) -> bool:
    """Use a link or code up for the other side; False when somebody was faster."""
    used = _unused(secret).filter(pk=found.pk)
    done = used.update(
        secret_digest="",
        secret_expires_at=None,
        expires_at=timezone.now() + REQUEST_LIFE,
        **other_side,
    )
    found.refresh_from_db()
    return bool(done)


def _find_code(code: str, askers: list[str], **side: str | None) -> LinkRequest:
    """The request of a code made on the other side; a wrong one is counted."""
    if secrets.is_worn_out(*askers):
        raise LinkRefused(_("Too many wrong codes. Try again in an hour."), "too_many_codes")
    found = _unused(code.strip()[:32]).filter(way=Way.CODE, **side).first()
    if found is None:
        secrets.note_wrong(*askers)
        raise _wrong_code()
    return found


def _wrong_code() -> LinkRefused:
    return LinkRefused(_("This code is wrong, was used, or is older than 10 minutes."), "bad_code")


def _asked(request_id: str, shop: Shop) -> LinkRequest:
    """A request to this store; another store's is as unknown as none."""
    try:
        wanted = UUID(request_id)
    except ValueError:
        wanted = UUID(int=0)
    found = LinkRequest.objects.filter(pk=wanted, domain=shop.domain).exclude(person=None).first()
    if found is None:
        raise LinkRefused(_("There is no such request."), "unknown_request")
    return found


def _move(request: LinkRequest, before: str, after: str, **columns: object) -> bool:
    """Guarded change of state of a living request; one winner."""
    living = LinkRequest.objects.filter(pk=request.pk, state=before, expires_at__gt=timezone.now())
    return bool(living.update(state=after, **columns))
