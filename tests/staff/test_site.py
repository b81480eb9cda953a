"""The staff's site: its name, its frame, and what needs somebody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.models import LedgerPass
from ecomvance_app import clock
from generations.models import EngineHealth, Generation
from shopify_auth.models import BillingDifference, Shop, WebhookDelivery
from tests.credits.test_admin import staff_client
from tests.merchants import Merchant, open_store
from tests.shopify_auth.webhooks.post import post

pytestmark = pytest.mark.django_db


def needs(client: Client) -> list[tuple[str, str]]:
    """Each thing on the start page as (figure, title)."""
    page = client.get("/staff/").text
    return re.findall(
        r'staff-need__count">([^<]+)</span>\s*<span>\s*<strong>([^<]+)</strong>', page
    )


def test_the_site_has_our_name_and_no_inline_code(chief: Client) -> None:
    page = chief.get("/staff/").text

    assert "ecomVance staff" in page
    assert "Django" not in page
    assert not re.search(r"\son\w+=|\sstyle=|<script>", page)


def test_with_nothing_to_do_it_says_so(chief: Client) -> None:
    assert needs(chief) == []
    assert "Nothing waits for anybody." in chief.get("/staff/").text


def test_everything_that_needs_somebody_is_there_and_urgent_things_come_first(
    chief: Client, failed_run: Generation
) -> None:
    store = open_store("olivia.myshopify.com")
    shop = Shop.objects.get(domain=store.domain)
    now = timezone.now()
    BillingDifference.objects.create(shop=shop, kind="late", gid="gid://1", noticed_at=now)
    post("app/scopes_update", webhook_id="one")
    WebhookDelivery.objects.update(attempts=3, handled_at=None)
    EngineHealth.objects.create(engine="google", tool="image-enhance", paused_at=now)
    LedgerPass.objects.create(started_at=now, moved_at=now, finished_at=now, found=2)
    late = now - timedelta(minutes=9)
    Generation.objects.create(
        account=failed_run.account, key="late", tool="image-enhance", price=0, surface="web",
        enqueued_at=late, created_at=late,
    )  # fmt: skip

    assert [title for _figure, title in needs(chief)] == [
        "Paused engines", "Runs that nobody takes", "Ledger out of step", "Restoration cases",
        "Billing differences", "Failed webhooks",
    ]  # fmt: skip


@pytest.mark.parametrize(("hours", "shown"), [(47, 0), (49, 1)])
def test_a_ledger_that_was_not_checked_for_two_nights_is_told(
    chief: Client, hours: int, shown: int
) -> None:
    began = clock.now() - timedelta(hours=hours)
    LedgerPass.objects.create(started_at=began, moved_at=began, finished_at=began)

    assert [title for _figure, title in needs(chief)].count("Ledger check") == shown


def test_nobody_sees_what_is_not_theirs(failed_run: Generation) -> None:
    assert needs(staff_client("view_account")) == []
    assert needs(staff_client("view_restorationcase", name="Rita")) == [("1", "Restoration cases")]


@pytest.mark.parametrize(
    "name", ["staff_search", "staff_cases", "staff_account", "staff_case", "staff_run"]
)
def test_pages_need_their_right_and_merchants_never_come_in(
    owner: Merchant, failed_run: Generation, name: str
) -> None:
    case = failed_run.spend.case
    args = {
        "staff_account": [owner.account.pk],
        "staff_case": [case.pk],
        "staff_run": [failed_run.pk],
    }
    url = reverse(f"admin:{name}", args=args.get(name))

    assert staff_client("view_plan").get(url).status_code == 403
    assert owner.client.get(url).status_code == 302
