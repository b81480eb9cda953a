"""What each route answers to the merchant who may ask."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from credits import ledger, queries
from credits.models import LedgerEntry
from credits.representations import balance_json
from generations import products
from generations.models import Generation, Picture
from generations.runs import lifecycle
from generations.runs.queries import key_digest
from tests.api.storefront import LAMP, MUG
from tests.generations import sample_pictures as samples
from tests.merchants import ApiMerchant

CUT_OUT = {"tool": "background-removal", "product_id": MUG}


def upload(name: str = "mug.png", side: int = 320) -> SimpleUploadedFile:
    content = samples.encoded(samples.quarters(side, side), "PNG")
    return SimpleUploadedFile(name, content, "image/png")


class TestBalance:
    def test_is_that_of_the_tokens_store(
        self, owner: ApiMerchant, second_shop: ApiMerchant
    ) -> None:
        ledger.add_package(owner.account.pk, 350, "pkg")
        ledger.spend(owner.account.pk, 90, "most")

        answer = owner.get("balance")

        assert answer.status_code == 200
        body = answer.json()
        assert list(body) == ["plan", "package", "total", "resets_at", "version", "low"]
        assert (body["plan"], body["package"], body["total"]) == (10, 350, 360)
        assert (body["version"], body["low"]) == (3, False)
        assert body["resets_at"].endswith("+00:00")
        assert second_shop.get("balance").json()["total"] == 100

    def test_equals_what_live_events_carry(self, owner: ApiMerchant) -> None:
        assert owner.get("balance").json() == balance_json(queries.get_balance(owner.account.pk))


class TestTools:
    def test_lists_the_catalogue_with_prices(self, owner: ApiMerchant) -> None:
        tools = {tool["slug"]: tool for tool in owner.get("tools").json()["tools"]}

        assert len(tools) == 20
        assert tools["background-removal"]["variants"] == [
            {"credits": 20, "list_credits": 20, "resolution": None, "seconds": None}
        ]
        assert [v["credits"] for v in tools["product-reels"]["variants"]] == [400, 600, 800]
        assert tools["background-removal"]["available"] is True
        assert "Our staff can switch it on" in tools["ai-shadowing"]["unavailable_reason"]


class TestGenerations:
    def test_takes_an_uploaded_picture(self, owner: ApiMerchant) -> None:
        answer = owner.post_form("generations", {"tool": "background-removal", "image": upload()})

        assert answer.status_code == 201
        body = answer.json()
        assert (body["state"], body["cost"], body["outcome"]) == ("queued", 20, None)
        assert body["split"] == {"plan": 20, "package": 0}
        assert body["outputs"] == []
        run = Generation.objects.get()
        assert (str(run.pk), run.key, run.surface) == (body["id"], key_digest("k1"), "embedded")
        assert run.requested_by is not None
        assert owner.holdings == (80, 2, 1, 2)

    def test_takes_the_first_photo_of_a_product(self, owner: ApiMerchant) -> None:
        answer = owner.post("generations", CUT_OUT)

        assert answer.status_code == 201
        run = Generation.objects.get()
        assert (run.product_id, run.product_title) == (MUG, "Enamel mug")
        assert Picture.objects.get(generation=run).width == 311

    def test_takes_a_product_in_a_form_too(self, owner: ApiMerchant) -> None:
        assert owner.post_form("generations", CUT_OUT).status_code == 201

    @pytest.mark.parametrize("body", [{"image": True}, {"product_id": MUG}])
    def test_is_one_run_and_one_charge_for_a_repeated_key(
        self, owner: ApiMerchant, body: dict[str, object]
    ) -> None:
        def ask():
            fields = {"tool": "background-removal"} | body
            return owner.post_form(
                "generations", fields | ({"image": upload()} if "image" in body else {})
            )

        first, second = ask(), ask()

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]
        assert owner.holdings == (80, 2, 1, 2)

    def test_finds_a_repeated_run_while_the_store_is_away(
        self, owner: ApiMerchant, settings
    ) -> None:
        first = owner.post("generations", CUT_OUT)
        settings.PRODUCT_SOURCE = "tests.api.storefront.ClosedStorefront"
        products._source.cache_clear()

        second = owner.post("generations", CUT_OUT)

        assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])

    def test_keeps_the_keys_of_two_shops_apart(
        self, owner: ApiMerchant, second_shop: ApiMerchant
    ) -> None:
        mine = owner.post("generations", CUT_OUT)
        other = second_shop.post("generations", CUT_OUT | {"product_id": LAMP})

        assert (mine.status_code, other.status_code) == (201, 201)
        assert mine.json()["id"] != other.json()["id"]
        assert owner.holdings[0] == second_shop.holdings[0] == 80

    def test_shows_a_run_with_its_state_and_outcome(self, owner: ApiMerchant) -> None:
        asked = owner.post("generations", CUT_OUT).json()
        lifecycle.cancel(owner.account.pk, asked["id"])

        shown = owner.get(f"generations/{asked['id']}")

        assert shown.status_code == 200
        assert shown.json()["state"] == "cancelled"
        assert shown.json()["outcome"] == "cancelled_in_queue"
        assert shown.json()["cost"] == 20
        assert owner.get("balance").json()["total"] == 100


class TestUsage:
    def test_summarises_the_running_month_from_the_ledger(self, owner: ApiMerchant) -> None:
        owner.post("generations", CUT_OUT)
        second = owner.post("generations", CUT_OUT, key="k2").json()
        lifecycle.cancel(owner.account.pk, second["id"])

        body = owner.get("usage").json()

        assert (body["runs"], body["used"], body["net"]) == (2, 40, 20)
        plan = {"opening": 0, "added": 100, "restored": 20, "adjusted": 0, "used": 40}
        assert body["plan"] == plan | {"expired": 0, "closing": 80}
        assert body["tools"] == [
            {"tool": "background-removal", "runs": 2, "credits": 40, "percent": 100}
        ]
        assert body["time_zone"] == "UTC"
        assert sum(day["net"] for day in body["days"]) == 20

    def test_shows_another_month_when_asked(self, owner: ApiMerchant) -> None:
        body = owner.get("usage", {"month": "2026-03"}).json()

        assert (body["month"], body["runs"], body["days"]) == ("2026-03", 0, [])

    @pytest.mark.parametrize("month", ["2026-13", "2026-3", "March", "1999-01", "2026-03-01", ""])
    def test_refuses_what_is_no_month(self, owner: ApiMerchant, month: str) -> None:
        answer = owner.get("usage", {"month": month})

        assert answer.status_code == 422
        assert answer.json()["error"] == "invalid_request"
        assert answer.json()["details"][0]["field"] == "month"

    def test_refuses_a_parameter_that_it_does_not_know(self, owner: ApiMerchant) -> None:
        answer = owner.get("usage", {"months": "2026-03"})

        assert answer.status_code == 422
        assert answer.json()["details"][0]["field"] == "months"


def test_writes_what_is_due_before_a_report(owner: ApiMerchant, time_machine) -> None:
    entries = LedgerEntry.objects.filter(account=owner.account).order_by("sequence")
    tomorrow = owner.account.opened_at.timestamp() + 26 * 3600
    time_machine.move_to(tomorrow)

    body = owner.get("usage").json()

    assert [entry.kind for entry in entries] == ["trial_grant", "expire", "trial_grant"]
    assert body["plan"]["closing"] == 100
