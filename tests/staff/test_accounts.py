"""An account as a story: each entry with what is behind it, in a fixed number of queries."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from credits import ledger
from credits.accounts.redaction import redact_account
from credits.ledger import checks
from credits.models import Account, LedgerEntry, Notice
from credits.outcomes import cases
from credits.staff_acts import StaffAct, StaffWords
from generations.models import Generation
from shopify_auth.models import Person, Purchase, Shop
from tests.credits.test_admin import staff_client
from tests.merchants import Merchant, open_store

pytestmark = pytest.mark.django_db


def story(client: Client, account: Account, **query: str) -> str:
    response = client.get(reverse("admin:staff_account", args=[account.pk]), query)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.text)


def lines(page: str) -> list[str]:
    """The text of each line of the story."""
    found = re.findall(r'<li class="staff-line".*?</li>', page)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", line)).strip() for line in found]


def test_each_line_names_tool_product_person_outcome_rule_run_and_case(
    chief: Client, owner: Merchant, failed_run: Generation
) -> None:
    Generation.objects.update(product_title="Blue mug")
    page = story(chief, owner.account)

    newest, first = lines(page)
    for words in ("Used: Background Removal", "-20", "then 80 (plan 80, package 0)", "Blue mug",
                  "Olivia", "Platform error", "Rule:", "Case: Waiting for a decision"):  # fmt: skip
        assert words in newest
    assert "Trial credits" in first
    assert "Automatic" in first
    assert reverse("admin:staff_run", args=[failed_run.pk]) in page
    case = failed_run.spend.case
    assert reverse("admin:staff_case", args=[case.pk]) in page


def test_a_restoration_names_the_run_it_gives_back_and_who_of_staff_did_it(
    chief: Client, owner: Merchant, failed_run: Generation
) -> None:
    sasha = Person.objects.get(name="Sasha")
    case = failed_run.spend.case
    cases.approve(case, sasha, "Our disk was full", timezone.now())

    restored, used, _first = lines(story(chief, owner.account))

    assert "Restored: Background Removal" in restored
    assert "+20" in restored
    assert "Sasha of our staff" in restored
    assert "restored" in used


def test_a_bought_package_names_its_charge(chief: Client) -> None:
    store = open_store("olivia-shop.myshopify.com")
    shop = Shop.objects.get(domain=store.domain)
    gid = "gid://shopify/AppPurchaseOneTime/42"
    Purchase.objects.create(
        shop=shop, gid=gid, name="Small package", handle="small", credits=500, price=5,
        created_at=timezone.now(),
    )  # fmt: skip
    ledger.add_package(store.account.pk, 500, key=f"purchase:{gid}", reference=gid)

    page = story(chief, store.account)

    assert "Charge: Small package" in lines(page)[0]
    assert "olivia-shop.myshopify.com" in page
    assert gid in page


def test_mails_and_what_became_of_them_are_told(chief: Client, owner: Merchant) -> None:
    now = timezone.now()
    for key, mailed_at in (("one", now), ("two", None)):
        Notice.objects.create(
            account=owner.account, kind="renewal", key=key, subject=f"Renewal {key}",
            text="", created_at=now, mailed_at=mailed_at,
        )  # fmt: skip

    page = story(chief, owner.account)

    assert re.search(r"Renewal two <span[^>]*>waits", page)
    assert re.search(r"Renewal one <span[^>]*>sent ", page)


def test_reading_books_nothing(chief: Client, owner: Merchant, time_machine) -> None:
    time_machine.move_to(timezone.now() + timedelta(days=3))
    before = LedgerEntry.objects.count()

    page = story(chief, owner.account)

    assert LedgerEntry.objects.count() == before
    assert "day 4 of 7" in page


def test_older_entries_are_a_page_away(chief: Client, owner: Merchant) -> None:
    for number in range(60):
        ledger.spend(owner.account.pk, 1, f"k{number}", tool="image-enhance")

    page = story(chief, owner.account)
    older = re.findall(r"\?before=(\d+)", page)[-1]

    assert len(lines(page)) == 50
    assert len(lines(story(chief, owner.account, before=older))) == 11


def test_its_queries_do_not_grow_with_the_story(
    chief: Client, owner: Merchant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(40):
        ledger.spend(owner.account.pk, 1, f"k{number}", tool="image-enhance")
    with django_assert_max_num_queries(30):
        story(chief, owner.account)


def test_the_ledger_of_one_account_is_checked_on_the_spot(
    chief: Client, owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("admin:staff_check", args=[owner.account.pk])

    assert "In step: 1 entries add up to plan 100" in chief.post(url, follow=True).text

    monkeypatch.setattr(checks, "problems_between", lambda _after, last: [f"account {last}: odd"])
    answer = chief.post(url, follow=True).text
    assert "In step" not in answer
    assert f"Account {owner.account.pk}: odd" in answer
    assert StaffAct.objects.filter(act="ledger checked").count() == 2


def test_a_note_is_for_colleagues_and_goes_with_the_account(chief: Client, owner: Merchant) -> None:
    url = reverse("admin:staff_note", args=[owner.account.pk])

    assert "Ms Reed called" in chief.post(url, {"text": "Ms Reed called"}, follow=True).text
    assert "Ms Reed" not in owner.client.get("/dashboard/usage/ledger").text
    chief.post(url, {"text": " "})
    assert StaffWords.objects.count() == 1

    redact_account(owner.account.pk)
    assert "Ms Reed" not in story(chief, owner.account)


def test_a_reader_has_no_buttons_and_posts_are_refused(owner: Merchant) -> None:
    reader = staff_client("view_account", "view_ledgerentry")

    page = story(reader, owner.account)

    assert "Adjust balance" not in page
    assert "Keep the note" not in page
    url = reverse("admin:staff_note", args=[owner.account.pk])
    assert reader.post(url, {"text": "x"}).status_code == 403
