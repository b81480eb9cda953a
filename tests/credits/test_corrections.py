"""Corrections above the limit take two people, whatever happens meanwhile."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits import ledger
from credits.accounts.redaction import redact_account
from credits.models import EntryNote, LedgerEntry, Plan
from credits.models.corrections import Correction
from credits.outcomes import corrections
from credits.staff_acts import StaffAct
from tests.credits.test_admin import adjust_url, form_key, staff_client
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
RIGHTS = ("view_account", "view_ledgerentry", "change_account", "grant_plan", "change_correction",
          "view_correction")  # fmt: skip


@pytest.fixture
def stella() -> Client:
    return staff_client(*RIGHTS)


@pytest.fixture
def rita() -> Client:
    return staff_client(*RIGHTS, name="Rita")


@pytest.fixture
def waiting(owner: Merchant, stella: Client) -> Correction:
    """Stella asked for 5,001 credits, which is one more than one person may give."""
    url = adjust_url(owner)
    form = {
        "bucket": "package", "credits": "5001", "code": "our_error", "reason": "Lost a batch",
        "key": form_key(stella.get(url)),
    }  # fmt: skip
    assert "a second person has to approve it" in stella.post(url, form).text
    for _pressed_twice in range(2):
        stella.post(url, form | {"confirm": "1"})
    return Correction.objects.get()


def decide(client: Client, row: Correction, answer: str) -> str:
    url = reverse("admin:credits_correction_decide", args=[row.pk])
    return client.post(url, {answer: "1"}, follow=True).text


def state(row: Correction) -> tuple[str, bool]:
    row.refresh_from_db()
    return row.state, row.entry is not None


def test_above_the_limit_nothing_is_written_by_one_person(
    owner: Merchant, stella: Client, waiting: Correction
) -> None:
    assert state(waiting) == ("waiting", False)
    assert owner.total == 100

    assert "You asked for it yourself" in decide(stella, waiting, "approve")
    assert owner.total == 100


def test_the_second_person_reads_who_asked_and_the_list_who_decided(
    rita: Client, waiting: Correction
) -> None:
    page = rita.get(reverse("admin:credits_correction_decide", args=[waiting.pk])).text
    assert "asked for by Stella," in page

    decide(rita, waiting, "approve")

    listed = rita.get(reverse("admin:credits_correction_changelist")).text
    assert '<td class="field-asked">Stella</td>' in listed
    assert '<td class="field-decided">Rita</td>' in listed


def test_at_the_limit_one_person_is_enough(owner: Merchant, stella: Client) -> None:
    url = adjust_url(owner)
    form = {
        "bucket": "package", "credits": "5000", "code": "goodwill", "reason": "Sorry",
        "key": form_key(stella.get(url)), "confirm": "1",
    }  # fmt: skip

    stella.post(url, form)

    assert owner.total == 5_100


def test_a_second_person_approves_and_the_merchant_reads_balance_adjust(
    owner: Merchant, rita: Client, waiting: Correction
) -> None:
    for _pressed_twice in range(2):
        decide(rita, waiting, "approve")

    assert state(waiting) == ("written", True)
    assert owner.total == 5_101
    page = owner.client.get("/dashboard/usage/ledger").text
    assert re.search(r"balance adjust", page, re.IGNORECASE)
    assert EntryNote.objects.get(entry=waiting.entry).text == "Lost a batch"
    acts = list(StaffAct.objects.order_by("pk").values_list("act", "changed"))
    assert acts == [
        ("correction asked", ["reason our_error"]),
        ("correction approved", ["reason our_error"]),
    ]


def test_what_was_declined_is_never_written(
    owner: Merchant, stella: Client, rita: Client, waiting: Correction
) -> None:
    decide(rita, waiting, "decline")

    assert "was decided before" in decide(rita, waiting, "approve")
    assert state(waiting) == ("declined", False)
    assert owner.total == 100


def test_whoever_asked_may_take_it_back(stella: Client, waiting: Correction) -> None:
    decide(stella, waiting, "decline")

    assert state(waiting) == ("declined", False)
    assert waiting.decided_by is None


def test_what_the_bucket_no_longer_holds_stays_waiting(
    owner: Merchant, stella: Client, rita: Client
) -> None:
    ledger.add_package(owner.account.pk, 6_000, key="bought")
    url = adjust_url(owner)
    form = {
        "bucket": "package", "credits": "-6000", "code": "misuse", "reason": "Misuse",
        "key": form_key(stella.get(url)), "confirm": "1",
    }  # fmt: skip
    stella.post(url, form)
    ledger.spend(owner.account.pk, 200, "run", tool="image-enhance")
    row = Correction.objects.get()

    decide(rita, row, "approve")

    assert state(row) == ("waiting", False)
    assert owner.total == 5_900


def test_a_plan_that_changed_meanwhile_is_asked_for_again(
    owner: Merchant, stella: Client, rita: Client
) -> None:
    url = reverse("admin:credits_account_grant", args=[owner.account.pk])
    now = timezone.now()
    form = {
        "plan": Plan.objects.get(handle="growth").pk, "anchor_0": f"{now:%Y-%m-%d}",
        "anchor_1": "00:00:00", "code": "partner", "reason": "Partner",
        "key": form_key(stella.get(url)), "confirm": "1",
    }  # fmt: skip
    stella.post(url, form)
    row = Correction.objects.get()
    Plan.objects.filter(handle="growth").update(credits=90_000)

    assert "The plan has other credits by now" in decide(rita, row, "approve")
    Plan.objects.filter(handle="growth").update(credits=8_500)
    decide(rita, row, "approve")
    assert owner.total == 8_500


def test_the_second_person_needs_the_right(owner: Merchant, waiting: Correction) -> None:
    reader = staff_client("view_correction", "view_account", name="Rita")

    url = reverse("admin:credits_correction_decide", args=[waiting.pk])
    assert reader.post(url, {"approve": "1"}).status_code == 403
    page = reader.get(reverse("admin:credits_correction_change", args=[waiting.pk]))
    assert page.status_code == 200


def test_erasing_an_account_takes_the_words_and_it_can_still_be_decided(
    owner: Merchant, rita: Client, waiting: Correction
) -> None:
    redact_account(owner.account.pk)

    waiting.refresh_from_db()
    assert waiting.words == ""
    decide(rita, waiting, "approve")
    assert state(waiting) == ("written", True)


def test_a_preview_leaves_nothing_behind(owner: Merchant) -> None:
    wanted = corrections.Wanted(owner.account.pk, "staff:1", "goodwill", "Why", 7, "package")

    assert corrections.preview(wanted, 1, timezone.now()) == (100, 7)

    assert owner.total == 100
    assert not LedgerEntry.objects.filter(kind="adjust").exists()
    assert not Correction.objects.exists()
