"""Uninstall and redact: a store's tokens go at once, and 48 hours later, if Shopify asks, all data.

The ledger stays, without anybody's data, under the keyed hash of the store's domain: package
credits are still there when the store comes back, and its trial is used.

Source: product document, "Package Credits"; Shopify's documentation, "Privacy law compliance".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import Q

from credits import staff_acts
from credits.accounts.redaction import redact_account
from credits.signals import account_erased, account_suspended
from shopify_auth.admin_api import offline_tokens
from shopify_auth.billing import reconcile
from shopify_auth.domains import hashed_domain
from shopify_auth.models import (
    Connection,
    Erasure,
    Invitation,
    LinkRequest,
    Membership,
    OfflineToken,
    Person,
    Purchase,
    Shop,
    Subscription,
    WebhookDelivery,
)
from shopify_auth.stores import connections

REDACTED_AFTER = timedelta(hours=48)


def last_refresh(shop: Shop) -> datetime | None:
    """When the store's token was last renewed: what tells a store that left from one that is back."""
    return OfflineToken.objects.filter(shop=shop).values_list("refreshed_at", flat=True).first()


def uninstall(shop: Shop, seen: datetime | None, now: datetime) -> bool:
    """Take the store as uninstalled; False when its token was renewed after `seen`.

    Tokens and keys die, the subscription ends, runs that have not begun are cancelled and given back,
    whoever asked for them. Account, ledger and memberships stay as they are: members on the web may
    use what credits are left.
    """
    with transaction.atomic():
        locked = Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        if locked.state != Shop.State.INSTALLED or last_refresh(shop) != seen:
            return False
        offline_tokens.forget(shop)
        connections.revoke_keys(locked)
        locked.state = Shop.State.UNINSTALLED
        locked.uninstalled_at = now
        locked.save(update_fields=["state", "uninstalled_at"])
        reconcile.end_charges(locked, now)
        if locked.account_id is not None:
            account_suspended.send(sender=Shop, account_id=locked.account_id, now=now)
    return True


def redactable_from(shop: Shop) -> datetime:
    """When the data of a store that has left may be erased."""
    return (shop.uninstalled_at or shop.installed_at) + REDACTED_AFTER


def redact(shop: Shop, now: datetime) -> Erasure | None:
    """Erase a store that left 48 hours ago and keep proof; None when that was done before.

    Pictures, prompts, people, memberships, tokens, free text and what webhooks said go, and the domain
    becomes its keyed hash. Whoever was a member on the web keeps their log-in and finds no account.
    """
    with transaction.atomic():
        locked = Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        if locked.state != Shop.State.UNINSTALLED or now < redactable_from(locked):
            return None
        counts = {"tokens": offline_tokens.forget(shop)}
        counts |= _erase_people(locked)
        counts |= _erase_deliveries(locked)
        counts |= _erase_reasons(locked)
        if locked.account_id is not None:
            counts |= end_memberships(locked.account_id)
            counts |= erase_account(locked.account_id)
        locked.domain = hashed_domain(locked.domain)
        locked.name = locked.shopify_id = locked.email = locked.currency = locked.plan = ""
        locked.state = Shop.State.REDACTED
        locked.save()
        return Erasure.objects.create(shop=locked, erased_at=now, counts=counts)


def _erase_people(shop: Shop) -> dict[str, int]:
    """The store's staff, and the ways by which people of the web came to it."""
    people = Person.objects.filter(shop_staff__shop=shop)
    gone = list(people.values_list("pk", flat=True))
    staff_acts.forget_words(people=gone)
    people.delete()
    Connection.objects.filter(shop=shop).delete()
    LinkRequest.objects.filter(domain=shop.domain).delete()
    return {"people": len(gone)}


def end_memberships(account_id: int) -> dict[str, int]:
    """Take everybody's way to this account, and what was to become one."""
    Invitation.objects.filter(account_id=account_id).delete()
    ended, _details = Membership.objects.filter(account_id=account_id).delete()
    return {"memberships": ended}


def _erase_deliveries(shop: Shop) -> dict[str, int]:
    subjects = [subject for subject in (shop.domain, shop.shopify_id) if subject]
    # What fits no topic came, by its header, from this one, or speaks of it under another's name.
    speaks_of = Q(shop_domain=shop.domain) | Q(body__icontains=shop.domain)
    if shop.shopify_id:
        speaks_of |= Q(body__contains=f'gid://shopify/Shop/{shop.shopify_id}"')
    deliveries = WebhookDelivery.objects.filter(Q(subject__in=subjects) | Q(speaks_of, subject=""))
    count = deliveries.update(body="", subject="", shop_domain="")
    WebhookDelivery.objects.filter(shop_domain=shop.domain).update(shop_domain="")
    return {"webhooks": count}


def _erase_reasons(shop: Shop) -> dict[str, int]:
    """What people have written beside the store's charges."""
    given = Subscription.objects.filter(shop=shop).exclude(cancel_reason="")
    noted = Purchase.objects.filter(shop=shop).exclude(clawback_note="")
    count = given.update(cancel_reason="") + noted.update(clawback_note="")
    return {"reasons beside charges": count}


def erase_account(account_id: int) -> dict[str, int]:
    """What other apps know of the account, its mail addresses, notes and name."""
    counts: dict[str, int] = {}
    for _receiver, erased in account_erased.send(sender=Shop, account_id=account_id):
        counts |= cast("dict[str, int]", erased or {})
    return counts | redact_account(account_id)
