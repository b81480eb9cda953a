"""Staff take a purchase's credits back: what is left of them, once, and the rest as a note."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from credits import ledger
from credits.models import LedgerEntry
from ecomvance_app import clock
from shopify_auth.billing import clawbacks
from shopify_auth.models import Person, Purchase, Shop
from shopify_auth.stores import uninstalls
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = pytest.mark.django_db
REASON = {"reason": "Shopify reversed the charge"}


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("staff@example.com", "correct horse"))
    return client


@pytest.fixture
def purchase(olivia: Owner) -> Purchase:
    row = olivia.buy("small")
    olivia.nudge()
    return row


def page(row: Purchase, name: str) -> str:
    return f"/staff/shopify_auth/purchase/{row.pk}/{name}/"


def spend_all_but(owner: Owner, left: int) -> None:
    ledger.spend(owner.account.pk, 100 + 500 - left, "spent")


def test_what_is_left_of_it_goes_and_the_rest_is_noted(olivia, purchase, staff):
    spend_all_but(olivia, 300)
    shown = staff.get(page(purchase, "change")).content.decode()
    assert page(purchase, "claw-back") in shown
    preview = " ".join(staff.get(page(purchase, "claw-back")).content.decode().split())
    assert "300 of 500 credits are taken from the package bucket. 200 were used" in preview

    told = staff.post(page(purchase, "claw-back"), REASON, follow=True).content.decode()

    assert "300 credits were taken back; 200 had been used before." in told
    assert olivia.ledger()[-1] == ("adjust", 0, -300)
    note = "Shopify reversed the charge (300 of 500 credits taken back, 200 used before)"
    assert LedgerEntry.objects.latest("sequence").note.text == note
    purchase.refresh_from_db()
    assert purchase.clawback_note == note
    assert page(purchase, "claw-back") not in told


def test_a_second_press_takes_nothing_more(olivia, purchase, staff):
    olivia.devstore.move_clock(minutes=1)
    olivia.buy("small")
    olivia.nudge()
    staff.post(page(purchase, "claw-back"), REASON)

    told = staff.post(page(purchase, "claw-back"), REASON, follow=True).content.decode()

    assert "were taken back before" in told
    assert olivia.account.package_balance == 500


def test_of_an_empty_bucket_only_the_note_remains(olivia, purchase, staff):
    spend_all_but(olivia, 0)
    entries = olivia.ledger()

    staff.post(page(purchase, "claw-back"), REASON)
    olivia.devstore.move_clock(minutes=1)
    olivia.buy("small")
    olivia.nudge()
    staff.post(page(purchase, "claw-back"), REASON)

    purchase.refresh_from_db()
    assert "0 of 500 credits taken back, 500 used before" in purchase.clawback_note
    assert olivia.ledger() == [*entries, ("package", 0, 500)]


def test_what_granted_nothing_takes_nothing(olivia, staff):
    row = olivia.buy("small", decision="")

    told = staff.post(page(row, "claw-back"), REASON, follow=True).content.decode()

    assert "has granted no credits" in told
    assert olivia.ledger() == [("trial_grant", 100, 0)]


def test_it_is_taken_from_the_account_that_got_it(olivia, purchase, staff, owner):
    account = olivia.account
    Shop.objects.filter(pk=olivia.shop.pk).update(account=owner.account)

    staff.post(page(purchase, "claw-back"), REASON)

    account.refresh_from_db()
    assert account.package_balance == 0


@pytest.mark.parametrize("form", [{}, {"reason": " "}])
def test_a_reason_is_needed(olivia, purchase, staff, form):
    staff.post(page(purchase, "claw-back"), form)

    assert olivia.account.package_balance == 500


def test_it_takes_the_right_to_change_accounts(olivia, purchase):
    viewer = Person.objects.create_user("viewer@example.com", "correct horse", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_purchase"))
    client = Client()
    client.force_login(viewer)

    assert client.get(page(purchase, "change")).status_code == 200
    assert client.post(page(purchase, "claw-back"), REASON).status_code == 403
    assert olivia.account.package_balance == 500


def test_the_merchant_sees_it_beside_the_purchase(olivia, purchase):
    clawbacks.take_back(purchase, 1, "Reversed", clock.now())

    receipts = olivia.open("/plans").context["receipts"]

    assert [entry.credits for entry in receipts[0].entries] == [500, -500]


def test_what_was_written_is_erased_with_the_store(olivia, purchase):
    clawbacks.take_back(purchase, 1, "Olivia asked her bank", clock.now())
    olivia.subscribe("starter")
    olivia.nudge()
    row = olivia.shop.subscriptions.get()
    olivia.post("/plans/cancel", subscription=row.reference, reason="Olivia retires")
    uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), clock.now())

    uninstalls.redact(olivia.shop, uninstalls.redactable_from(Shop.objects.get(pk=olivia.shop.pk)))

    purchase.refresh_from_db()
    row.refresh_from_db()
    assert (purchase.clawback_note, row.cancel_reason) == ("", "")
