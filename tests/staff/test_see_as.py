"""Seeing as a merchant: reading alone, ten minutes, one's own session, nothing settled."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import cast

import pytest
import time_machine
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits import ledger
from credits.models import Account, LedgerEntry
from credits.staff_acts import StaffAct
from generations.models import Generation
from shopify_auth.identity.see_as import SeeAsMiddleware
from tests.credits.test_admin import staff_client
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
BANNER = "Nothing can be changed."


def see(client: Client, merchant: Merchant) -> str:
    url = reverse("admin:staff_see_as", args=[merchant.account.pk])
    return client.post(url, follow=True).text


def test_every_page_is_the_merchants_with_a_banner_and_it_is_an_act(
    chief: Client, owner: Merchant, failed_run: Generation
) -> None:
    page = see(chief, owner)

    assert "You see what Olivia&#x27;s store sees, until" in page
    for path in ("tools", "usage", "usage/ledger", "plans", "settings", f"runs/{failed_run.pk}"):
        answer = chief.get(f"/dashboard/{path}")
        assert answer.status_code == 200, path
        assert BANNER in answer.text, path
    act = StaffAct.objects.get()
    assert (act.act, act.account_id) == ("seen as merchant", owner.account.pk)


@pytest.mark.parametrize(
    "path", ["tools/background-removal", "settings", "plans/buy", "settings/spending", "zone"]
)
def test_posts_are_refused(chief: Client, owner: Merchant, path: str) -> None:
    see(chief, owner)
    before = LedgerEntry.objects.count(), Generation.objects.count()

    answer = chief.post(f"/dashboard/{path}", {"package": "small", "threshold": "7"})

    assert answer.status_code == 403
    assert "nothing can be changed" in answer.text
    assert (LedgerEntry.objects.count(), Generation.objects.count()) == before


@pytest.mark.parametrize("path", ["plans/confirmation/x", "live", "usage/ledger.csv"])
def test_what_acts_by_being_opened_is_refused(chief: Client, owner: Merchant, path: str) -> None:
    see(chief, owner)

    assert chief.get(f"/dashboard/{path}").status_code == 403


def test_looking_settles_nothing(chief: Client, owner: Merchant) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        see(chief, owner)
        chief.get("/dashboard/usage")

        assert LedgerEntry.objects.filter(account=owner.account).count() == 1
        assert Account.objects.get(pk=owner.account.pk).version == 1
        # The merchant's own look does.
        owner.client.get("/dashboard/usage")
        assert LedgerEntry.objects.filter(account=owner.account).count() == 3


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_sent_piece_by_piece_writes_nothing(
    chief: Client, owner: Merchant, *, whole: bool
) -> None:
    see(chief, owner)

    def pieces() -> Iterator[bytes]:
        ledger.spend(owner.account.pk, 20, "while sending")
        yield b"one"
        yield b"two"

    request = chief.get("/dashboard/usage").wsgi_request
    answer = SeeAsMiddleware(lambda _request: StreamingHttpResponse(pieces()))(request)
    sent = iter(cast("StreamingHttpResponse", answer))
    assert next(sent) == b"one"
    if whole:
        assert list(sent) == [b"two"]
    else:
        # Whoever listened has gone.
        del sent, answer
        gc.collect()

    assert owner.total == 100
    assert not LedgerEntry.objects.filter(key="while sending").exists()


def test_what_threads_send_is_refused(chief: Client, owner: Merchant) -> None:
    see(chief, owner)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    request = chief.get("/dashboard/usage").wsgi_request
    answer = SeeAsMiddleware(lambda _request: StreamingHttpResponse(pieces()))(request)

    assert answer.status_code == 403


def test_it_ends_after_ten_minutes_and_when_told_to(chief: Client, owner: Merchant) -> None:
    see(chief, owner)
    with time_machine.travel(timezone.now() + timedelta(minutes=9), tick=False):
        assert BANNER in chief.get("/dashboard/").text
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert BANNER not in chief.get("/dashboard/").text

    see(chief, owner)
    stopped = chief.post(reverse("admin:staff_stop_seeing"))
    assert stopped["Location"] == reverse("admin:staff_account", args=[owner.account.pk])
    assert BANNER not in chief.get("/dashboard/").text


def test_it_is_one_session_alone_and_ends_with_the_right(chief: Client, owner: Merchant) -> None:
    stella = staff_client("see_as_merchant")
    see(stella, owner)
    assert BANNER in stella.get("/dashboard/").text
    other = Client()
    other.force_login(stella.get("/dashboard/").wsgi_request.user)
    assert BANNER not in other.get("/dashboard/").text

    stella.get("/dashboard/").wsgi_request.user.user_permissions.clear()
    assert BANNER not in stella.get("/dashboard/").text


def test_the_api_and_the_frame_know_nothing_of_it(chief: Client, owner: Merchant) -> None:
    see(chief, owner)

    assert chief.get("/api/v1/balance").status_code == 401


def test_it_needs_the_right(owner: Merchant) -> None:
    reader = staff_client("view_account")

    assert reader.post(reverse("admin:staff_see_as", args=[owner.account.pk])).status_code == 403
    assert BANNER not in reader.get("/dashboard/").text
