"""The ledger as CSV: what is in it, who gets it, and that no cell is a formula."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from credits import ledger
from generations.models import Generation

pytestmark = pytest.mark.django_db


def download(merchant, page: str = "usage") -> list[dict[str, str]]:
    """Follow the page's export link as a browser without any session would."""
    html = merchant.client.get(f"/dashboard/{page}").content.decode()
    link = re.search(r'href="(/exports/[^"]+)"', html)
    assert link
    response = Client().get(link[1])
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="ecomvance-ledger-[\d-]+-to-[\d-]+\.csv"',
        response["Content-Disposition"],
    )
    content = response.getvalue().decode()
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
    assert (spend["run_id"], spend["person"]) == (str(run.pk), "Olivia")
    assert spend["product_id"] == "gid://shopify/Product/1"


def test_no_cell_is_a_formula(owner, run):
    note = "@SUM(A1:A9)"
    ledger.adjust(owner.account.pk, "package", 10, "plus", "staff:9", note)

    _trial, spend, adjustment = download(owner)

    assert spend["product_title"] == '\'=HYPERLINK("http://x")'
    assert adjustment["reason"] == "'@SUM(A1:A9)"


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
    for_something_else = signing.dumps([owner.account.pk, "2026-01-01", "2026-02-01"])

    for token in ("nonsense", for_something_else):
        assert client.get(f"/exports/{token}").status_code == 404


def test_an_old_link_is_not_found(owner, time_machine):
    html = owner.client.get("/dashboard/usage").content.decode()
    link = re.search(r'href="(/exports/[^"]+)"', html)
    assert link
    time_machine.move_to(timezone.now() + timedelta(minutes=16))

    assert Client().get(link[1]).status_code == 404
