"""Orders with options, masks, references and several sources; quotes; cancelling and deleting."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from PIL import Image

from credits import ledger
from credits.models import LedgerEntry
from generations.engines import registry
from generations.models import Generation, Picture
from generations.runs import lifecycle
from tests.api.storefront import BARE, MUG, IdleEngine
from tests.api.test_routes import CUT_OUT, upload
from tests.generations import sample_pictures as samples
from tests.merchants import ApiMerchant

PLACEMENT = {"tool": "product-placement", "resolution": "1K"}


@pytest.fixture(autouse=True)
def _engines(monkeypatch: pytest.MonkeyPatch) -> None:
    for slug in ("object-removal", "product-placement", "style-cloning", "ai-backgrounds"):
        monkeypatch.setitem(registry.LOCAL, slug, IdleEngine("limited"))
    for slug in ("product-try-on", "nano-banana-t2i", "veo-t2v"):
        monkeypatch.setitem(registry.LOCAL, slug, IdleEngine("sandbox"))


def mask(side: int = 320, marked: int = 255) -> Any:
    content = samples.encoded(Image.new("L", (side, side), marked), "PNG")
    return upload_of(content)


def upload_of(content: bytes) -> Any:
    file = upload("mask.png")
    file.file.seek(0)
    file.file.truncate()
    file.file.write(content)
    file.file.seek(0)
    file.size = len(content)
    return file


def refused(owner: ApiMerchant, body: dict[str, Any]) -> tuple[int, str]:
    """What a form is answered, and that it changed nothing."""
    before = owner.holdings
    answer = owner.post_form("generations", body)
    assert owner.holdings == before
    return answer.status_code, answer.json()["error"]


class TestTools:
    def test_says_who_runs_it_what_it_takes_and_what_it_costs_now(self, owner: ApiMerchant) -> None:
        tools = {tool["slug"]: tool for tool in owner.get("tools").json()["tools"]}

        placement = tools["product-placement"]
        assert (placement["engine"], placement["label"]) == ("local", "limited")
        assert placement["sources"]["max"] == 14
        assert placement["options"]["additionalProperties"] is False
        assert [v["credits"] for v in placement["variants"]] == [50, 50, 100]
        fit = tools["product-try-on"]
        assert [(v["credits"], v["list_credits"]) for v in fit["variants"]] == [
            (0, 50), (0, 50), (0, 100),
        ]  # fmt: skip
        assert tools["object-removal"]["sources"]["mask_required"] is True
        assert (tools["model-reels"]["engine"], tools["model-reels"]["label"]) == (None, None)


class TestOrders:
    def test_keeps_the_options_of_a_run(self, owner: ApiMerchant) -> None:
        options = {"set": "white-marble", "seed": 7}

        answer = owner.post(
            "generations",
            {"tool": "ai-backgrounds", "resolution": "2K", "product_id": MUG, "options": options},
        )

        assert answer.status_code == 201
        shown = answer.json()
        assert shown["options"] == {"set": "white-marble", "ratio": "original", "seed": 7}
        assert (shown["engine"], shown["model"], shown["label"]) == (
            "local", "test-model", "limited",
        )  # fmt: skip

    def test_an_unknown_or_wrong_option_costs_nothing(self, owner: ApiMerchant) -> None:
        body = {"tool": "ai-backgrounds", "resolution": "2K", "image": upload()}

        assert refused(owner, body | {"options": '{"sky": 1}'}) == (422, "unknown_option")
        body["image"] = upload()
        assert refused(owner, body | {"options": '{"seed": -1}'}) == (422, "invalid_option")
        body["image"] = upload()
        assert refused(owner, body | {"options": "{"}) == (422, "invalid_request")
        body["image"] = upload()
        assert refused(owner, body | {"options": '{"seconds": 4}'}) == (422, "unknown_option")

    def test_another_option_under_a_used_key_is_another_order(self, owner: ApiMerchant) -> None:
        body = {"tool": "ai-backgrounds", "resolution": "1K", "product_id": MUG}
        first = owner.post("generations", body | {"options": {"seed": 0}})

        same = owner.post("generations", body)
        other = owner.post("generations", body | {"options": {"seed": 1}})

        assert (first.status_code, same.status_code, other.status_code) == (201, 200, 409)

    def test_several_products_are_one_run_of_as_many_pictures(self, owner: ApiMerchant) -> None:
        body = PLACEMENT | {"product_ids": [MUG, MUG, MUG], "photo_ids": ["12", "", "11"]}

        answer = owner.post("generations", body)

        assert answer.status_code == 201
        run = Generation.objects.get()
        assert run.products == [[MUG, "12"], [MUG, ""], [MUG, "11"]]
        widths = run.pictures.order_by("position").values_list("width", flat=True)
        assert list(widths) == [312, 311, 311]
        assert owner.holdings[0] == 50

    def test_products_and_uploads_go_into_one_run(self, owner: ApiMerchant) -> None:
        body = PLACEMENT | {"product_ids": [MUG, MUG], "photo_ids": ["12"], "image": upload()}

        answer = owner.post_form("generations", body)

        assert answer.status_code == 201
        run = Generation.objects.get()
        assert run.products == [[MUG, "12"], [MUG, ""], ["", ""]]
        widths = run.pictures.order_by("position").values_list("width", flat=True)
        assert list(widths)[:2] == [312, 311]
        assert len(widths) == 3

    def test_fourteen_pictures_are_taken_and_fifteen_refused(self, owner: ApiMerchant) -> None:
        fifteen = PLACEMENT | {"product_ids": [MUG] * 15}
        before = owner.holdings

        assert owner.post("generations", fifteen).status_code == 422
        assert owner.holdings == before
        fourteen = PLACEMENT | {"product_ids": [MUG] * 14}
        assert owner.post("generations", fourteen).status_code == 201
        assert Picture.objects.count() == 14

    def test_one_product_without_photos_costs_nothing(self, owner: ApiMerchant) -> None:
        before = owner.holdings

        answer = owner.post("generations", PLACEMENT | {"product_ids": [MUG, BARE]})

        assert answer.status_code == 404
        assert owner.holdings == before

    def test_of_fifteen_uploads_nothing_is_taken_and_nothing_stored(
        self, owner: ApiMerchant
    ) -> None:
        pictures = [upload(f"mug-{number}.png") for number in range(15)]

        answer = refused(owner, PLACEMENT | {"image": pictures})

        assert answer == (422, "invalid_request")
        assert not Picture.objects.exists()

    def test_a_mask_goes_with_the_picture(self, owner: ApiMerchant) -> None:
        body = {"tool": "object-removal", "resolution": "1K", "image": upload(), "mask": mask()}

        answer = owner.post_form("generations", body)

        assert answer.status_code == 201
        assert sorted(Picture.objects.values_list("role", flat=True)) == ["input", "mask"]
        assert Picture.objects.get(role="input").name == "mug.png"

    def test_masks_that_do_not_fit_cost_nothing(self, owner: ApiMerchant) -> None:
        body = {"tool": "object-removal", "resolution": "1K"}

        assert refused(owner, body | {"image": upload()}) == (422, "no_mask")
        smaller = body | {"image": upload(), "mask": mask(300)}
        assert refused(owner, smaller) == (422, "mask_size")
        empty = body | {"image": upload(), "mask": mask(marked=0)}
        assert refused(owner, empty) == (422, "no_mask")
        needless = CUT_OUT | {"mask": mask()}
        assert refused(owner, needless) == (422, "mask_not_taken")

    def test_a_reference_where_it_is_needed_and_nowhere_else(self, owner: ApiMerchant) -> None:
        style = {"tool": "style-cloning", "resolution": "1K"}

        assert refused(owner, style | {"image": upload()}) == (422, "no_reference")
        assert refused(owner, CUT_OUT | {"reference": upload()}) == (422, "reference_not_taken")
        both = style | {"image": upload(), "reference": upload("look.png")}
        assert owner.post_form("generations", both).status_code == 201

    @pytest.mark.parametrize("prompt", ["x" * 2001, "a\x00b", "a\x1bb", "a\x85b"])
    def test_prompts_that_are_no_prompts_cost_nothing(
        self, owner: ApiMerchant, prompt: str
    ) -> None:
        before = owner.holdings

        answer = owner.post("generations", CUT_OUT | {"prompt": prompt})

        assert answer.status_code == 422
        assert owner.holdings == before

    def test_lines_and_tabs_of_a_prompt_are_kept(self, owner: ApiMerchant) -> None:
        body = {"tool": "nano-banana-t2i", "resolution": "1K", "prompt": "a\r\n\tb"}
        assert owner.post("generations", body).status_code == 201
        assert Generation.objects.get().prompt == "a\n\tb"

    @pytest.mark.parametrize("address", ["generations", "quotes"])
    def test_a_tool_without_a_prompt_takes_none(self, owner: ApiMerchant, address: str) -> None:
        before = owner.holdings

        answer = owner.post(address, CUT_OUT | {"prompt": "on a beach"})

        assert (answer.status_code, answer.json()["error"]) == (422, "prompt_not_taken")
        assert answer.json()["field"] == "prompt"
        assert owner.holdings == before
        assert owner.post(address, CUT_OUT | {"prompt": " "}).status_code in (200, 201)

    def test_a_tool_that_lives_by_its_prompt_needs_one(self, owner: ApiMerchant) -> None:
        body = {"tool": "nano-banana-t2i", "resolution": "1K"}

        assert refused(owner, body | {"prompt": " \n"}) == (422, "no_prompt")

    def test_a_price_above_what_was_shown_is_refused(self, owner: ApiMerchant) -> None:
        before = owner.holdings

        answer = owner.post("generations", CUT_OUT | {"max_credits": 19})

        assert (answer.status_code, answer.json()["error"]) == (409, "price_changed")
        assert answer.json()["credits"] == 20
        assert owner.holdings == before
        assert owner.post("generations", CUT_OUT | {"max_credits": 20}).status_code == 201


class TestOlderRuns:
    """Runs of earlier releases, whose requests were digested in other ways."""

    @pytest.mark.parametrize("upload_digest", ["bytes", "clean copy"])
    def test_a_repeated_key_still_finds_its_run(
        self, owner: ApiMerchant, upload_digest: str
    ) -> None:
        fields = {"tool": "background-removal"}
        owner.post_form("generations", fields | {"image": upload()})
        run = Generation.objects.get()
        sha256 = (
            Picture.objects.get().sha256
            if upload_digest == "clean copy"
            else hashlib.sha256(upload().read()).hexdigest()
        )
        asked = ["background-removal", "", None, "", "", "", [sha256]]
        run.request_digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        run.save()

        again = owner.post_form("generations", fields | {"image": upload()})
        other = owner.post_form("generations", fields | {"image": upload(side=330)})

        assert (again.status_code, other.status_code) == (200, 409)
        assert again.json()["id"] == str(run.pk)


class TestQuotes:
    def test_names_the_price_its_parts_and_what_is_left(self, owner: ApiMerchant) -> None:
        ledger.add_package(owner.account.pk, 500, "pkg")
        ledger.spend(owner.account.pk, 90, "most")
        before = owner.holdings

        answer = owner.post("quotes", PLACEMENT | {"product_ids": [MUG]}, key=None)

        assert answer.status_code == 200
        assert answer.json() == {
            "credits": 50, "list_credits": 50, "engine": "local", "model": "test-model",
            "label": "limited", "plan": 10, "package": 40, "available": 510, "after": 460,
            "affordable": True, "seconds_expected": 3.0,
        }  # fmt: skip
        assert owner.holdings == before

    def test_says_that_it_cannot_be_paid(self, owner: ApiMerchant) -> None:
        ledger.spend(owner.account.pk, 90, "most")

        body = owner.post("quotes", CUT_OUT, key=None).json()

        assert (body["affordable"], body["credits"], body["after"]) == (False, 20, 0)

    def test_refuses_what_a_run_refuses(self, owner: ApiMerchant) -> None:
        answer = owner.post("quotes", CUT_OUT | {"options": {"sky": 1}}, key=None)

        assert (answer.status_code, answer.json()["error"]) == (422, "unknown_option")


class TestSandbox:
    TRY_ON: dict[str, Any] = {"tool": "product-try-on", "resolution": "4K", "product_id": MUG}

    def test_costs_nothing_and_writes_no_entry(self, owner: ApiMerchant) -> None:
        ledger.spend(owner.account.pk, 100, "all")
        entries = LedgerEntry.objects.count()

        answer = owner.post("generations", self.TRY_ON)

        assert answer.status_code == 201
        assert (answer.json()["cost"], answer.json()["label"]) == (0, "sandbox")
        assert Generation.objects.get().list_price == 100
        assert LedgerEntry.objects.count() == entries
        assert owner.get("usage").json()["runs"] == 1  # The spend above.

    def test_one_at_a_time_and_twenty_a_day(self, owner: ApiMerchant) -> None:
        for number in range(20):
            answer = owner.post("generations", self.TRY_ON, key=f"k{number}")
            assert answer.status_code == 201
            second = owner.post("generations", self.TRY_ON, key="more")
            assert (second.status_code, second.json()["error"]) == (429, "free_run_under_way")
            lifecycle.cancel(owner.account.pk, answer.json()["id"])

        last = owner.post("generations", self.TRY_ON, key="more")

        assert (last.status_code, last.json()["error"]) == (429, "free_runs_used_up")
        assert owner.post("generations", CUT_OUT, key="paid").status_code == 201

    def test_stands_behind_paid_work(self, owner: ApiMerchant) -> None:
        free = owner.post("generations", self.TRY_ON, key="free").json()["id"]
        paid = owner.post("generations", CUT_OUT, key="paid").json()["id"]

        assert lifecycle.start(free) is None
        assert lifecycle.start(paid) is not None
        assert lifecycle.start(free) is not None


class TestCancelling:
    def test_what_waits_is_given_back_and_what_runs_is_not(self, owner: ApiMerchant) -> None:
        waiting = owner.post("generations", CUT_OUT, key="a").json()["id"]
        running = owner.post("generations", CUT_OUT, key="b").json()["id"]
        lifecycle.start(running)

        answers = [owner.post(f"generations/{i}/cancel", {}, key=None) for i in (waiting, running)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert [answer.json()["outcome"] for answer in answers] == [
            "cancelled_in_queue", "user_cancelled",
        ]  # fmt: skip
        assert owner.holdings[0] == 80
        assert owner.post(f"generations/{waiting}/cancel", {}, key=None).status_code == 409

    def test_of_another_account_is_404(self, owner: ApiMerchant, second_shop: ApiMerchant) -> None:
        run = owner.post("generations", CUT_OUT).json()["id"]

        assert second_shop.post(f"generations/{run}/cancel", {}, key=None).status_code == 404
        assert Generation.objects.get().state == "queued"


class TestListAndDelete:
    def test_lists_by_keyset(self, owner: ApiMerchant, second_shop: ApiMerchant) -> None:
        ledger.add_package(owner.account.pk, 5000, "pkg")
        ids = [owner.post("generations", CUT_OUT, key=f"k{n}").json()["id"] for n in range(3)]
        lifecycle.cancel(owner.account.pk, ids[1])

        everything = owner.get("generations").json()
        assert [run["id"] for run in everything["generations"]] == ids[::-1]
        assert everything["next"] is None
        cancelled = owner.get("generations", {"state": "cancelled"}).json()["generations"]
        assert [run["id"] for run in cancelled] == [ids[1]]
        assert owner.get("generations", {"tool": "veo-t2v"}).json()["generations"] == []
        assert second_shop.get("generations").json()["generations"] == []

    def test_a_page_ends_where_the_next_begins(self, owner: ApiMerchant) -> None:
        first = owner.post("generations", CUT_OUT).json()["id"]
        run = Generation.objects.get()
        copies = [
            Generation(
                account=owner.account, key=f"c{n}", tool=run.tool, price=0, state="cancelled",
                outcome="user_cancelled", enqueued_at=run.enqueued_at, created_at=run.created_at,
            )
            for n in range(100)
        ]  # fmt: skip
        Generation.objects.bulk_create(copies)

        page = owner.get("generations").json()
        rest = owner.get("generations", {"before": page["next"]}).json()

        assert (len(page["generations"]), len(rest["generations"])) == (100, 1)
        assert rest["next"] is None
        seen = {item["id"] for item in page["generations"] + rest["generations"]}
        assert seen == {str(copy.pk) for copy in copies} | {first}

    @pytest.mark.parametrize(
        "query", [{"before": "x"}, {"before": "2026-01-01~"}, {"tool": "x"}, {"after": "1"}]
    )
    def test_refuses_cursors_and_filters_that_are_none(
        self, owner: ApiMerchant, query: dict[str, str]
    ) -> None:
        assert owner.get("generations", query).status_code == 422

    def test_a_deleted_run_is_gone_and_its_key_still_taken(self, owner: ApiMerchant) -> None:
        run = owner.post("generations", CUT_OUT).json()["id"]
        path = f"/api/v1/generations/{run}"
        assert owner.client.delete(path, headers=owner.headers).status_code == 409
        lifecycle.cancel(owner.account.pk, run)

        assert owner.client.delete(path, headers=owner.headers).status_code == 204

        assert owner.get(f"generations/{run}").status_code == 404
        assert owner.get("generations").json()["generations"] == []
        assert owner.client.delete(path, headers=owner.headers).status_code == 404
        assert owner.post("generations", CUT_OUT).json()["id"] == run

    def test_of_another_account_cannot_be_deleted(
        self, owner: ApiMerchant, second_shop: ApiMerchant
    ) -> None:
        run = owner.post("generations", CUT_OUT).json()["id"]
        lifecycle.cancel(owner.account.pk, run)

        answer = second_shop.client.delete(
            f"/api/v1/generations/{run}", headers=second_shop.headers
        )

        assert answer.status_code == 404
        assert owner.get(f"generations/{run}").status_code == 200
