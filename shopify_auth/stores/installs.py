"""What happens when a store's page is opened for the first time, and when it comes back.

Shopify installs the app by itself; the first thing the app sees is a page load with a session
token. There is no sign-up: the account is opened on the way, with its trial running. The store's
row comes first and is locked, so that of two first loads at once only one opens an account.

Source: Shopify's documentation, "Shopify managed installation"; product document, "Free Trial".
"""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.db import IntegrityError, transaction

from credits import ledger
from credits.accounts.zones import zone_of
from ecomvance_app import clock, jobs
from shopify_auth.admin_api import offline_tokens
from shopify_auth.admin_api.errors import ShopifyError, SubjectTokenRefused
from shopify_auth.billing import schedule
from shopify_auth.domains import hashed_domain
from shopify_auth.frame.session_tokens import SessionToken
from shopify_auth.models import OfflineToken, Person, Shop, ShopStaff
from shopify_auth.stores import details

logger = logging.getLogger(__name__)

# A try can take most of a minute while Shopify hangs; pages and their polls do not wait for it.
PAUSE_SECONDS = 30
# Staff of a store whose name Shopify has not told.
UNNAMED = "Store staff"


def shop_of(token: SessionToken) -> Shop:
    """The installed store that a verified session token speaks for, with its account.

    The first load, the return after an uninstallation and a store that needs reopening exchange the
    token for access; every other load only reads one row. Where access is all that is missing, it is
    tried by one load in half a minute, and the others show the page at once. Raises
    SubjectTokenRefused when the session token is too old to be exchanged, ShopifyError when a store
    that has left cannot come back because Shopify does not answer.
    """
    shop = _find(token.shop)
    if shop is not None and (_is_complete(shop) or (_can_work(shop) and not _is_due(token.shop))):
        return shop
    try:
        shop = open_shop(token.shop, token.text)
    except SubjectTokenRefused:
        # The same page comes back at once with a fresh session token.
        _note_try(token.shop, pause=False)
        raise
    _note_try(token.shop, pause=not _is_complete(shop))
    return shop


def open_shop(domain: str, session_token: str) -> Shop:
    """Give the store its row, access to its admin, and an account; each only if it has none yet."""
    shop = _row(domain)
    try:
        offline_tokens.exchange(shop, session_token)
    except SubjectTokenRefused:
        raise
    except ShopifyError as error:
        if shop.state != Shop.State.INSTALLED:
            raise
        # The merchant can work; access is tried again at the next page load.
        logger.warning("No access to %s yet: %s", domain, error)
    return _completed(shop)


def open_shop_by_code(domain: str, code: str) -> Shop:
    """The same for the legacy grant, whose authorization code is the store's word."""
    shop = _row(domain)
    offline_tokens.redeem_code(shop, code)
    return _completed(shop)


def complete(shop: Shop) -> Shop:
    """The store as installed, with its account and what Shopify says about it. Repeating is harmless."""
    told = details.ask(shop)
    now = clock.now()
    with transaction.atomic():
        locked = Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        if locked.state != Shop.State.INSTALLED:
            locked.state = Shop.State.INSTALLED
            locked.domain = shop.domain
            locked.installed_at = now
            locked.uninstalled_at = None
        old_name = locked.name
        details.describe(locked, told, now)
        if locked.account_id is None:
            locked.account = ledger.open_account(
                name=locked.name, now=now, time_zone=zone_of(told.get("ianaTimezone"))
            )
        locked.save()
        if told:
            details.tell_account(locked, told, old_name)
    return Shop.objects.select_related("account", "offline_token").get(pk=shop.pk)


def _completed(shop: Shop) -> Shop:
    shop = complete(shop)
    # What was paid while nobody could ask for it is found now.
    jobs.enqueue(schedule.RECONCILE, shop_id=shop.pk)
    return shop


def staff_of(shop: Shop, user_id: str) -> ShopStaff:
    """Who is behind the user id in a session token, so that runs record who asked for them."""
    known = ShopStaff.objects.select_related("person").filter(shop=shop, shopify_user_id=user_id)
    staff = known.first()
    if staff is not None:
        return staff
    try:
        with transaction.atomic():
            # Shopify tells the name when it is asked who that is.
            person = Person(name=UNNAMED)
            person.set_unusable_password()
            person.save()
            return ShopStaff.objects.create(shop=shop, shopify_user_id=user_id, person=person)
    except IntegrityError:
        # Two first requests at once: the other one made them.
        return known.get()


def is_installed(domain: str) -> bool:
    """Whether this store has the app, as far as is known here."""
    return Shop.objects.filter(domain=domain.lower(), state=Shop.State.INSTALLED).exists()


def _find(domain: str) -> Shop | None:
    return Shop.objects.select_related("account", "offline_token").filter(domain=domain).first()


def _is_complete(shop: Shop) -> bool:
    token = getattr(shop, "offline_token", None)
    return (
        _can_work(shop)
        # Without its number the billing webhooks of this store would be nobody's.
        and bool(shop.shopify_id)
        and token is not None
        and token.state == OfflineToken.State.ACTIVE
    )


def _can_work(shop: Shop) -> bool:
    return shop.state == Shop.State.INSTALLED and shop.account_id is not None


def _is_due(domain: str) -> bool:
    """Whether this load is to try what an earlier one could not do; then others leave it alone."""
    return cache.add(f"opening:{domain}", 1, PAUSE_SECONDS)


def _note_try(domain: str, *, pause: bool) -> None:
    if pause:
        cache.set(f"opening:{domain}", 1, PAUSE_SECONDS)
    else:
        cache.delete(f"opening:{domain}")


def _row(domain: str) -> Shop:
    """The store's row, also when its domain was erased; made, as installed, when it is new."""
    shop = Shop.objects.filter(domain__in=[domain, hashed_domain(domain)]).first()
    if shop is None:
        # A store that nobody has seen must have the app: Shopify signed a token for us there.
        shop, _created = Shop.objects.get_or_create(
            domain=domain, defaults={"installed_at": clock.now()}
        )
    # An erased domain is written back only once Shopify has confirmed the return.
    shop.domain = domain
    return shop
