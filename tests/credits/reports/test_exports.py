"""The ledger as CSV: what is in it, who gets it, and that no cell is a formula."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import fields
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry
from credits.reports import exports
from generations.models import Generation

pytestmark = pytest.mark.django_db


def link_of(merchant, page: str = "usage") -> str:
    """The signed link that the page's export leads to."""
    html = merchant.client.get(f"/dashboard/{page}").content.decode()
    address = re.search(r'href="(/dashboard/usage/ledger\.csv[^"]*)"', html)
    assert address
    response = merchant.client.get(address[1].replace("&amp;", "&"))
    assert response.status_code == 302
    return str(response["Location"])


def download(merchant, page: str = "usage") -> list[dict[str, str]]:
    """Follow the page's export as a browser without any session would follow its last step."""
    response = Client().get(link_of(merchant, page))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="ecomvance-ledger-[\d-]+-to-[\d-]+\.csv"',
        response["Content-Disposition"],
    )
    raw = response.getvalue()
    assert raw.startswith(b"\xef\xbb\xbfsequence,")  # What Excel knows UTF-8 by.
    content = raw.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content)))


@pytest.fixture
def run(owner) -> Generation:
    """A run of Olivia's whose product has a name that a spreadsheet would execute."""
    spend = ledger.spend(
        owner.account.pk, 50, "run", tool="product-placement", actor=f"user:{owner.person.pk}"
    )
    now = timezone.now()
    return Generation.objects.create(
        account=owner.account, key="run", tool="product-placement", resolution="2K", price=50,
        spend=spend, surface="web", enqueued_at=now, created_at=now,
        product_id="gid://shopify/Product/1", product_title="=HYPERLINK(\"http://x\")",
    )  # fmt: skip


def test_every_entry_with_its_run_and_person(owner, run):
    trial, spend = download(owner)

    assert (trial["entry_type"], trial["credits"], trial["balance_after"]) == (
        "trial_grant", "100", "100",
    )  # fmt: skip
    assert spend["credits"] == spend["plan_part"] == "-50"
    assert (spend["tool"], spend["resolution_or_seconds"]) == ("product-placement", "2K")
    assert (spend["job_id"], spend["person"]) == (str(run.pk), "Olivia")
    assert spend["product_id"] == "gid://shopify/Product/1"


def test_what_is_given_back_names_its_run(owner, run):
    ledger.restore(run.spend_id, "restore", "staff:9", "Our fault")

    _trial, _spend, restore = download(owner)

    assert (restore["entry_type"], restore["credits"]) == ("restore", "50")
    assert (restore["job_id"], restore["product_id"]) == (str(run.pk), "gid://shopify/Product/1")


def test_a_billing_period_is_cut_at_its_first_and_last_entry(owner):
    ledger.spend(owner.account.pk, 20, "before", tool="background-removal")
    now = timezone.now()
    period = (now, now + timedelta(days=30))
    ledger.start_plan_period(owner.account.pk, "starter", *period, key="period", now=now)
    ledger.spend(owner.account.pk, 50, "inside", tool="image-enhance")
    first = LedgerEntry.objects.get(kind="plan_grant").sequence

    month = [row["entry_type"] for row in download(owner)]
    cut = [row["entry_type"] for row in download(owner, f"usage?span=period-{first}")]

    assert month == ["trial_grant", "spend", "expire", "plan_grant", "spend"]
    assert cut == ["plan_grant", "spend"]


def test_what_time_has_brought_is_in_the_export(owner, time_machine):
    link = link_of(owner, "usage/ledger")
    time_machine.move_to(timezone.now() + timedelta(days=8), tick=False)
    owner.client.force_login(owner.person)  # A session ends after two weeks.

    rows = download(owner, "usage/ledger")

    assert link.startswith("/exports/")
    assert [row["entry_type"] for row in rows] == ["trial_grant", "expire"]


def test_no_cell_is_a_formula(owner, run):
    note = "@SUM(A1:A9)"
    ledger.adjust(owner.account.pk, "package", 10, "plus", "staff:9", note)

    _trial, spend, adjustment = download(owner)

    assert spend["product_title"] == '\'=HYPERLINK("http://x")'
    assert adjustment["reason"] == "'@SUM(A1:A9)"


STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"]  # The last is Japanese keyboards' "=".


@pytest.mark.parametrize("start", STARTS, ids=ascii)
def test_no_cell_of_any_column_is_a_formula(owner, start):
    """Every text that can reach the file begins as a formula does, also what a run says of itself."""
    text = f"{start}cmd|' /C calc'!A0"
    owner.person.name = text
    owner.person.save(update_fields=["name"])
    actor = f"user:{owner.person.pk}"
    spend = ledger.spend(owner.account.pk, 10, "run", tool=text, actor=actor)
    ledger.adjust(owner.account.pk, "package", 10, "plus", "staff:9", text)
    said = exports.RunDetails(**{field.name: text for field in fields(exports.RunDetails)})
    today = timezone.now().date()
    extent = exports.Extent(today - timedelta(days=2), today + timedelta(days=2))

    content = "".join(exports.rows(owner.account, extent, lambda _spends: {spend.pk: said}))
    content = content.removeprefix(exports.BYTE_ORDER_MARK)

    lines = list(csv.DictReader(io.StringIO(content, newline="")))
    hostile = {column for line in lines for column, cell in line.items() if text in cell}
    assert hostile == {
        "tool", "resolution_or_seconds", "product_id", "product_title", "job_id", "person", "reason",
    }  # fmt: skip
    for line in lines:
        assert set(line) == set(exports.COLUMNS)
        for cell in line.values():
            assert re.fullmatch(r"-?\d+", cell) or not cell.startswith(tuple(STARTS)), cell


def test_local_and_utc_time_with_the_zone(owner):
    owner.account.time_zone = "Asia/Kolkata"
    owner.account.save(update_fields=["time_zone"])

    (trial,) = download(owner)

    assert trial["zone"] == "Asia/Kolkata"
    assert trial["utc_time"].endswith("+00:00")
    assert trial["local_time"].endswith("+05:30")


def test_more_entries_than_one_chunk(owner):
    ledger.add_package(owner.account.pk, 5000, "package")
    items = [(1, f"run-{n}", "image-enhance", "") for n in range(2100)]
    ledger.spend_many(owner.account.pk, items)

    rows = download(owner, "usage/ledger")

    assert [int(row["sequence"]) for row in rows] == list(range(1, 2103))
    assert sum(int(row["credits"]) for row in rows) == owner.total


def test_the_ledgers_export_starts_at_the_opening(owner):
    month_ago = timezone.now() - timedelta(days=40)
    old = ledger.open_account("Old", now=month_ago)
    owner.person.memberships.update(account=old)

    assert [row["entry_type"] for row in download(owner, "usage/ledger")] == [
        "trial_grant",
        "expire",
    ]


def test_a_forged_link_is_not_found(client, owner):
    for_something_else = signing.dumps([owner.account.pk, "2026-01-01", "2026-02-01", None])

    for token in ("nonsense", for_something_else):
        assert client.get(f"/exports/{token}").status_code == 404


def test_the_pages_export_outlives_every_link(owner, time_machine):
    page = owner.client.get("/dashboard/usage").content.decode()
    link = link_of(owner)
    time_machine.move_to(timezone.now() + timedelta(minutes=16))

    old = Client().get(link)

    assert old.status_code == 410
    assert b"older than 15 minutes" in old.content
    address = re.search(r'href="(/dashboard/usage/ledger\.csv[^"]*)"', page)
    assert address
    assert owner.client.get(address[1], follow=True).status_code == 200


@pytest.mark.parametrize("span", ["2020-01", "period-9", "nonsense"])
def test_a_span_that_the_account_never_had_is_not_found(owner, span):
    assert owner.client.get(f"/dashboard/usage/ledger.csv?span={span}").status_code == 404


def test_nobody_exports_without_an_account(client, stranger):
    assert client.get("/dashboard/usage/ledger.csv").status_code == 302
    assert stranger.get("/dashboard/usage/ledger.csv").status_code == 403
