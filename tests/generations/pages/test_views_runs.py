"""The pages of runs: whose they are, the gallery, the balance."""

from __future__ import annotations

import uuid

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credits import ledger
from credits import queries as credit_queries
from generations.models import Generation
from tests.generations.mug_store import ask
from tests.merchants import Merchant
from tests.page_reading import attribute, every, read_page


class TestOtherAccounts:
    def test_see_nothing_of_a_run(self, owner: Merchant, second_shop: Merchant) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        for path in ("", "/status"):
            assert second_shop.client.get(f"/dashboard/runs/{run.pk}{path}").status_code == 404
        assert second_shop.client.post(f"/dashboard/runs/{run.pk}/cancel").status_code == 404
        assert str(run.pk) not in second_shop.client.get("/dashboard/gallery").content.decode()
        run.refresh_from_db()
        assert run.state == "queued"

    def test_a_run_that_never_was_is_404(self, owner: Merchant) -> None:
        assert owner.client.get(f"/dashboard/runs/{uuid.uuid4()}").status_code == 404

    def test_a_stranger_without_an_account_is_refused(self, stranger: Client) -> None:
        assert stranger.get("/dashboard/").status_code == 403

    def test_nobody_signed_in_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        response = client.get("/dashboard/gallery")

        assert response.status_code == 302
        assert response["Location"].startswith("/dashboard/sign-in/login/")


def test_the_gallery_pages_through_everything_once(owner: Merchant) -> None:
    ledger.add_package(owner.account.pk, 2000, "p")
    for number in range(60):
        ask(owner.client, key=f"k{number}")
    seen: list[str] = []
    address = "/dashboard/gallery"
    while address:
        page = owner.client.get(address)
        body = page.content.decode()
        seen += [str(run.pk) for run in Generation.objects.all() if f"/runs/{run.pk}" in body]
        address = "".join(attribute(a, "href") for a in every(read_page(page), "a", rel="next"))

    assert len(seen) == len(set(seen)) == 60


def test_the_gallery_asks_the_same_number_of_questions_for_any_length(
    owner: Merchant,
) -> None:
    ledger.add_package(owner.account.pk, 2000, "p")
    counts = []
    for number in range(21):
        ask(owner.client, key=f"k{number}")
        if number in (1, 20):
            with CaptureQueriesContext(connection) as captured:
                owner.client.get("/dashboard/gallery")
            counts.append(len(captured))

    assert counts[0] == counts[1]


def test_balance_after_the_page_is_what_the_ledger_says(owner: Merchant) -> None:
    ask(owner.client)

    answer = owner.client.get("/dashboard/balance").json()

    balance = credit_queries.get_balance(owner.account.pk)
    assert answer == {
        "plan": 80, "package": 0, "total": 80, "version": balance.version, "low": False,
        "resets_at": balance.resets_at and balance.resets_at.isoformat(),
    }  # fmt: skip
