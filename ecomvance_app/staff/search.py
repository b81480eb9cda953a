"""One search over everything a merchant may name: what was typed says what kind of thing it is.

Every look-up goes by an index, so the search takes as long with a million runs as with ten. Names
alone are looked through, of accounts and stores.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from credits.models import Account
from credits.outcomes import cases
from credits.reports import for_staff, history
from ecomvance_app.staff.rooms import render_page, staff_page
from generations.catalog import TOOLS
from generations.models import Generation
from shopify_auth.domains import hashed_domain
from shopify_auth.models import (
    BillingDifference,
    Membership,
    Person,
    Purchase,
    Shop,
    Subscription,
    WebhookDelivery,
)

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

MOST = 10
_HEX = re.compile(r"[0-9a-f]{8,31}")
_ENTRY = re.compile(r"(\d{1,18})/(\d{1,18})")
_RECEIPT = re.compile(r"[2-9A-HJ-NP-Z]{8}")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: what kind, what it is called, what else tells it apart, where it is."""

    kind: str
    title: str
    detail: str
    url: str


@require_safe
@staff_page("credits.view_account")
def page(request: HttpRequest) -> HttpResponse:
    """What was found; when all of it is at one place, that is opened at once."""
    text = request.GET.get("q", "").strip()[:200]
    hits = find(text, request.user) if text else []
    if len({hit.url for hit in hits}) == 1:
        return HttpResponseRedirect(hits[0].url)
    return render_page(request, "staff/search.html", _("Search"), {"q": text, "hits": hits})


def find(text: str, staff: AbstractBaseUser | AnonymousUser) -> list[Hit]:
    """Everything that `text` may mean and that this member of staff may see, without doubles."""
    finders: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
        ("credits.view_account", _accounts),
        ("credits.view_ledgerentry", _entries),
        ("credits.view_restorationcase", _cases),
        ("generations.view_generation", _runs),
        ("shopify_auth.view_shop", _shops),
        ("shopify_auth.view_person", _people),
        ("shopify_auth.view_purchase", _charges),
        ("shopify_auth.view_webhookdelivery", _webhooks),
    )
    allowed = [look for permission, look in finders if staff.has_perm(permission)]  # type: ignore[union-attr]
    found = {(hit.kind, hit.title, hit.url): hit for look in allowed for hit in look(text)}
    return list(found.values())


def account_url(account_id: int) -> str:
    """The account's story."""
    return reverse("admin:staff_account", args=[account_id])


def _accounts(text: str) -> Iterator[Hit]:
    named = Q(name__icontains=text) if _is_words(text) else Q(pk__in=[])
    if _is_number(text):
        named |= Q(pk=int(text))
    for account in Account.objects.filter(named).order_by("-pk")[:MOST]:
        yield _account(account, _("number %(id)s") % {"id": account.pk})
    if "@" in text:
        for account in for_staff.accounts_mailed_at(text, MOST):
            yield _account(account, _("its low-credit mails go there"))


def _account(account: Account, detail: str) -> Hit:
    return Hit(_("Account"), str(account), detail, account_url(account.pk))


def _entries(text: str) -> Iterator[Hit]:
    pair = _ENTRY.fullmatch(text)
    if pair:
        entry = history.get_entry(int(pair[1]), int(pair[2]))
    elif _is_number(text):
        entry = history.find_entry(int(text))
    else:
        return
    if entry is not None:
        url = f"{account_url(entry.account_id)}?before={entry.sequence + 1}#entry-{entry.sequence}"
        yield Hit(_("Ledger entry"), str(entry), f"{entry.created_at:%Y-%m-%d %H:%M}", url)


def _cases(text: str) -> Iterator[Hit]:
    if not _is_number(text):
        return
    case = cases.find(int(text))
    if case is not None:
        url = reverse("admin:staff_case", args=[case.pk])
        yield Hit(_("Restoration case"), str(case.pk), str(case), url)


def _runs(text: str) -> Iterator[Hit]:
    for run in _runs_named(text).select_related("account")[:MOST]:
        tool = TOOLS[run.tool].name if run.tool in TOOLS else run.tool
        detail = f"{run.account} · {run.get_state_display()} · {run.created_at:%Y-%m-%d %H:%M}"
        title = f"{tool}: {run.product_title or run.pk}"
        yield Hit(_("Run"), title, detail, reverse("admin:staff_run", args=[run.pk]))


def _runs_named(text: str) -> QuerySet[Generation]:
    """By its id, the beginning of its id, or words that its product's title holds."""
    runs = Generation.objects.all()
    if run_id := _uuid(text):
        return runs.filter(pk=run_id)
    plain = text.lower().replace("-", "")
    if _HEX.fullmatch(plain):
        first, last = (uuid.UUID(plain.ljust(32, filler)) for filler in "0f")
        return runs.filter(pk__gte=first, pk__lte=last)
    words = re.findall(r"\w+", text)
    if not words or len(text) < 3 or text.isdecimal() or "@" in text or text.startswith("gid:"):
        return runs.none()
    if connection.vendor != "postgresql":
        return runs.filter(product_title__icontains=text)
    # As its index has it: generations/migrations, "product titles". A database of the locale C knows
    # no capital letters but the plain ones, so both cases are asked for.
    query = " & ".join(f"({word}:* | {word.lower()}:* | {word.capitalize()}:*)" for word in words)
    runs = runs.exclude(product_title="")
    vector = "to_tsvector('simple', product_title) @@ to_tsquery('simple', %s)"
    return runs.extra(where=[vector], params=[query])  # noqa: S610 - bound.


def _shops(text: str) -> Iterator[Hit]:
    domain = text.lower().removeprefix("https://").rstrip("/")
    full = domain if "." in domain else f"{domain}.myshopify.com"
    named = Q(domain__startswith=domain) | Q(domain=hashed_domain(full))
    if text.isdecimal():
        named |= Q(shopify_id=text)
    if _is_words(text):
        named |= Q(name__icontains=text)
    for shop in Shop.objects.filter(named).order_by("-pk")[:MOST]:
        url = (
            account_url(shop.account_id)
            if shop.account_id
            else reverse("admin:shopify_auth_shop_change", args=[shop.pk])
        )
        yield Hit(_("Store"), shop.name or shop.domain, shop.get_state_display(), url)


def _people(text: str) -> Iterator[Hit]:
    if len(text) < 3 or text.isdecimal():
        return
    people = list(Person.objects.filter(email__startswith=text.lower())[:MOST])
    places = Membership.objects.filter(person__in=people).select_related("account")
    for person in people:
        url = reverse("admin:shopify_auth_person_change", args=[person.pk])
        theirs = [place for place in places if place.person_id == person.pk]
        if not theirs:
            yield Hit(_("Person"), str(person), str(person.email), url)
        for place in theirs:
            detail = f"{place.get_role_display()}: {place.account}"
            yield Hit(_("Person"), str(person), detail, account_url(place.account_id))


def _charges(text: str) -> Iterator[Hit]:
    receipt = text.upper()
    named = Q(gid=text)
    if _RECEIPT.fullmatch(receipt):
        named |= Q(receipt=receipt)
    if text.isdecimal():
        named |= Q(gid__in=[f"gid://shopify/{kind}/{text}" for kind in _CHARGE_KINDS])
    elif not text.startswith("gid:") and not _RECEIPT.fullmatch(receipt):
        return
    for model in (Subscription, Purchase):
        for row in model.objects.filter(named).select_related("shop")[:MOST]:
            yield _charge(row)
    for row in BillingDifference.objects.filter(gid=text).select_related("shop")[:MOST]:
        url = reverse("admin:shopify_auth_billingdifference_change", args=[row.pk])
        yield Hit(_("Billing difference"), str(row.get_kind_display()), str(row.shop), url)


_CHARGE_KINDS = ("AppSubscription", "AppPurchaseOneTime")


def _charge(row: Subscription | Purchase) -> Hit:
    name = row._meta.model_name
    url = reverse(f"admin:shopify_auth_{name}_change", args=[row.pk])
    if row.shop.account_id:
        url = f"{account_url(row.shop.account_id)}#charges"
    return Hit(_("Charge"), row.name, f"{row.shop} · {row.get_status_display()}", url)


def _webhooks(text: str) -> Iterator[Hit]:
    found = Q(webhook_id=text)
    if row_id := _uuid(text):
        found |= Q(pk=row_id)
    for delivery in WebhookDelivery.objects.filter(found)[:MOST]:
        url = reverse("admin:shopify_auth_webhookdelivery_change", args=[delivery.pk])
        yield Hit(_("Webhook"), str(delivery), delivery.outcome, url)


def _is_words(text: str) -> bool:
    """Whether it may be a name, which is looked for through all of them; ids and addresses are not."""
    is_id = text.isdecimal() or _uuid(text) is not None or _HEX.fullmatch(text.lower())
    return len(text) > 2 and not is_id and not re.search(r"[@:/.]", text)


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
