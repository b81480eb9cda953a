"""A plan that was cancelled or is unpaid promises no reset, on no page and in no mail."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from credits import ledger, tasks
from credits.models import AlertRecipient, LowCreditAlert
from shopify_auth.admin_api.errors import NeedsReopen
from shopify_auth.models import Membership, Subscription
from tests.devstore_fixture import DevStore
from tests.merchants import Owner, make_person
from tests.page_reading import one, read_page, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    owner = Owner(store_access)
    owner.subscribe("starter")
    owner.nudge()
    return owner


def cancelled(olivia: Owner) -> None:
    olivia.buy("small")
    olivia.nudge()
    olivia.cancel()


def unpaid(_olivia: Owner) -> None:
    """As Shopify freezes a subscription inside a period, when an older bill is not paid."""
    Subscription.objects.update(status="FROZEN")


def page_of(olivia: Owner, path: str = "/") -> str:
    return words(one(read_page(olivia.open(path)), "body"))


@pytest.mark.parametrize("path", ["/", "/plans", "/usage"])
def test_a_cancelled_plan_ends(olivia: Owner, path: str) -> None:
    cancelled(olivia)

    page = page_of(olivia, path)

    assert "Plan ends on:" in page
    assert "reset on" not in page


def test_a_cancelled_plan_says_what_stays(olivia: Owner) -> None:
    cancelled(olivia)

    assert "You keep 500 package credits." in page_of(olivia)


def test_an_unpaid_plan_expires(olivia: Owner) -> None:
    unpaid(olivia)

    page = page_of(olivia)

    assert "Plan credits expire on:" in page
    assert "reset on" not in page


def test_an_unpaid_renewal_is_not_being_confirmed(olivia: Owner) -> None:
    olivia.devstore.misbehave(handle=olivia.handle, renewal_unpaid=1)
    olivia.devstore.move_clock(days=30)
    olivia.nudge()

    page = page_of(olivia)

    assert "New plan credits come when the bill is paid in Shopify." in page
    assert "being confirmed" not in page


@pytest.mark.parametrize(
    ("happens", "said"),
    [(cancelled, "Plan ends on:"), (unpaid, "Plan credits expire on:")],
)
def test_the_warning_by_mail_says_the_same(olivia, mailoutbox, happens, said) -> None:
    happens(olivia)
    account = olivia.account
    AlertRecipient.objects.create(
        account=account, email="olivia@example.com", confirmed_at=timezone.now()
    )
    total = account.plan_balance + account.package_balance
    ledger.spend(account.pk, total - 50, "down")

    tasks.mail_alert(alert_id=LowCreditAlert.objects.get().pk)

    (mail,) = mailoutbox
    for form in (mail.body, mail.alternatives[0][0]):
        assert said in form
        assert "reset on" not in form
        assert "Options:" in form


def test_the_low_credit_banner_says_the_same(olivia: Owner) -> None:
    cancelled(olivia)
    ledger.spend(olivia.account.pk, 3_450, "down")

    banner = words(one(read_page(olivia.open("/")), id="page-banner"))

    assert "Low credits warning" in banner
    assert "Plan ends on:" in banner


def test_the_forecast_promises_no_reset(olivia: Owner) -> None:
    for day in range(6):
        ledger.spend(olivia.account.pk, 20, f"day-{day}")
        olivia.devstore.move_clock(days=1)
    olivia.nudge()
    assert "your credits last until they reset on" in page_of(olivia)
    olivia.cancel()

    page = page_of(olivia)

    assert "At this pace" in page
    assert "reset on" not in page


def test_a_store_that_must_be_opened_again_is_named_on_the_web(olivia: Owner) -> None:
    person = make_person("Olivia")
    Membership.objects.create(person=person, account=olivia.account)
    web = Client()
    web.force_login(person)
    olivia.devstore.press("revoke_tokens", olivia.handle)
    olivia.devstore.press("expire_access_tokens", olivia.handle)

    def banner() -> str:
        return words(one(read_page(web.get("/dashboard/settings")), id="page-banner"))

    assert banner() == ""
    with pytest.raises(NeedsReopen):
        olivia.nudge()

    assert f"The connection to {olivia.domain} is broken" in banner()
    assert "Open in Shopify" in banner()
    # Opening it in the admin is what mends it.
    assert "is broken" not in page_of(olivia)
    assert banner() == ""
