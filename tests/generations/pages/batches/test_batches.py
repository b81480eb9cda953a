"""The pages of batches: choose, see the price, three first, go on, pause, cancel, try again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credits import ledger
from credits.accounts import limits
from generations import tasks
from generations.engines import registry
from generations.engines.base import ProviderError
from generations.models import Approval, Batch, Generation
from generations.runs import batches
from generations.runs.batches import progress
from shopify_auth.models import Membership
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug, stored_files, upload
from tests.merchants import Merchant, make_merchant, make_person
from tests.page_reading import attribute, every, one, read_page, words

NEW = "/dashboard/batches/new"
LIST = "/dashboard/batches"
HTMX = {"HX-Request": "true"}
EACH = 50


@pytest.fixture(autouse=True)
def shadowing(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(registry, "LOCAL", {batches.TOOL: engine})
    return engine


@pytest.fixture
def olivia(owner: Merchant) -> Merchant:
    """Olivia, who can pay for more than a batch."""
    ledger.add_package(owner.account.pk, 5000, "pkg")
    return owner


def press(merchant: Merchant, uploads: int = 5, key: str = "k1", **more: Any) -> Any:
    """The button of a new batch, as a page without scripts sends it."""
    form = {"key": key, "resolution": "1K", "image": [upload() for _ in range(uploads)]}
    return merchant.client.post(NEW, form | more)


def made(merchant: Merchant, **more: Any) -> Batch:
    answer = press(merchant, **more)
    assert answer.status_code == 302, answer.text
    return Batch.objects.get(pk=answer["Location"].rpartition("/")[2])


def make_maker(owner: Merchant) -> Merchant:
    """Mia, who makes pictures in the owner's account."""
    person, client = make_person("Mia"), Client()
    Membership.objects.create(person=person, account=owner.account, role="maker")
    client.force_login(person)
    return Merchant(person, owner.account, client)


def act(merchant: Merchant, batch: Batch, **form: str) -> Any:
    return merchant.client.post(f"{LIST}/{batch.pk}/act", form, headers=HTMX)


def pressed(page: Any, label: str) -> dict[str, str]:
    """What the form sends whose button reads so."""
    for form in every(page, "form"):
        for button in every(form, "button"):
            if words(button) == label:
                sent = {attribute(f, "name"): attribute(f, "value") for f in every(form, "input")}
                return sent | {attribute(button, "name"): attribute(button, "value")}
    raise AssertionError(f"No button reads {label!r}")


def page_of(merchant: Merchant, batch: Batch) -> Any:
    return read_page(merchant.client.get(f"{LIST}/{batch.pk}"))


def work_off(batch: Batch) -> None:
    for run in Generation.objects.filter(batch=batch, state="queued"):
        tasks.run(generation_id=str(run.pk))


class TestTheNewBatch:
    def test_offers_products_with_their_photos_and_one_form_of_settings(
        self, olivia: Merchant
    ) -> None:
        page = read_page(olivia.client.get(NEW))

        assert OneMug.mug.id in {
            attribute(box, "value") for box in every(page, "input", name="item")
        }
        names = {
            attribute(field, "name") for kind in ("input", "select") for field in every(page, kind)
        }
        assert {"option-shadow", "option-ground", "option-colour", "three_first"} <= names

    def test_searches_and_filters_products(self, olivia: Merchant) -> None:
        page = read_page(olivia.client.get(NEW, {"search": "mug", "one_photo": "on"}))

        assert len(list(every(page, "input", name="item"))) == 1

    def test_charges_three_and_shows_the_batch(self, olivia: Merchant) -> None:
        batch = made(olivia, three_first="on")

        assert (progress.read(batch).state, olivia.total) == ("sample", 4950)
        assert "Waiting for your word" in words(page_of(olivia, batch))
        assert "0 of 5" in words(read_page(olivia.client.get(LIST)))

    def test_takes_products_and_uploads_together(self, olivia: Merchant) -> None:
        batch = made(olivia, uploads=1, item=[OneMug.mug.id], **{f"photo {OneMug.mug.id}": "7"})

        items = list(batch.items.order_by("position").values_list("product_id", "photo_id"))
        assert items == [(OneMug.mug.id, "7"), ("", "")]
        assert olivia.total == 5000

    def test_a_script_is_sent_to_the_batch(self, olivia: Merchant) -> None:
        answer = olivia.client.post(
            NEW, {"key": "k", "resolution": "1K", "image": upload()}, headers=HTMX
        )

        assert answer.status_code == 201
        assert answer["HX-Redirect"] == f"{LIST}/{Batch.objects.get().pk}"

    def test_refuses_fifty_one_with_the_reason(self, olivia: Merchant) -> None:
        answer = press(olivia, uploads=0, item=[OneMug.mug.id] * 51)

        assert answer.status_code == 422
        assert "A batch has 1 to 50 items, not 51. Nothing was charged." in answer.text
        assert (olivia.total, Batch.objects.count()) == (5100, 0)

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "script"])
    def test_refuses_fifty_one_files_with_the_reason(
        self, olivia: Merchant, headers: dict[str, str]
    ) -> None:
        form = {"key": "k1", "resolution": "1K", "image": [upload() for _ in range(51)]}
        answer = olivia.client.post(NEW, form, headers=headers)

        assert answer.status_code == 422
        assert "A batch has 1 to 50 items, not 51. Nothing was charged." in answer.text
        assert (olivia.total, Batch.objects.count(), stored_files(olivia.account.pk)) == (
            5100, 0, [],
        )  # fmt: skip

    def test_refuses_more_files_than_it_reads_with_the_reason(self, olivia: Merchant) -> None:
        answer = press(olivia, uploads=101)

        assert answer.status_code == 422
        assert "A batch has 1 to 50 items, not more than 100." in answer.text
        assert (olivia.total, Batch.objects.count()) == (5100, 0)

    def test_other_pages_answer_so_many_files_as_before(self, olivia: Merchant) -> None:
        files = [upload() for _ in range(101)]

        answer = olivia.client.post("/dashboard/tools/background-removal", {"image": files})

        assert answer.status_code == 400
        assert "A batch has" not in answer.text

    def test_fifty_files_are_one_batch(self, olivia: Merchant) -> None:
        assert made(olivia, uploads=50, three_first="on").total == 50

    def test_refuses_none_at_all(self, olivia: Merchant) -> None:
        assert press(olivia, uploads=0).status_code == 422

    def test_refuses_a_bad_picture_before_anything_is_charged(self, olivia: Merchant) -> None:
        bad = upload()
        bad.file.write(b"no picture")
        bad.file.truncate(5)
        answer = press(olivia, uploads=0, image=[upload(), bad])

        assert (answer.status_code, olivia.total) == (422, 5100)

    def test_charges_no_more_than_was_shown(self, olivia: Merchant) -> None:
        answer = press(olivia, price_each="40", promised_package="150")
        assert answer.status_code in (409, 422)
        assert olivia.total == 5100

    def test_pays_by_the_credits_that_were_named(self, olivia: Merchant) -> None:
        # Five cost 250: 100 from plan, 150 from package.
        assert press(olivia, price_each="50", promised_package="250").status_code == 409
        assert olivia.total == 5100
        assert press(olivia, key="k2", price_each="50", promised_package="150").status_code == 302

    def test_asks_an_owner_above_the_limit_but_not_the_owner(self, olivia: Merchant) -> None:
        limits.set_limit(olivia.account.pk, 100)

        assert press(olivia).status_code == 302

    def test_a_key_that_comes_again_is_the_same_batch(self, olivia: Merchant) -> None:
        assert press(olivia)["Location"] == press(olivia)["Location"]
        assert olivia.total == 5100 - 5 * EACH


class TestTheQuote:
    def ask(self, merchant: Merchant, count: int, **query: str) -> str:
        answer = merchant.client.get(f"{LIST}/quote", {"count": count, "resolution": "1K"} | query)
        return words(read_page(answer))

    def test_says_the_split_and_what_is_left(self, olivia: Merchant) -> None:
        text = self.ask(olivia, 38)

        assert (
            "38 × 50 = 1,900 credits: 100 from plan, 1,800 from package. 3,200 will be left."
            in text
        )
        assert "Run 38 · 1,900 credits" in text

    def test_says_what_three_first_charges_now(self, olivia: Merchant) -> None:
        text = self.ask(olivia, 38, three_first="on")

        assert "Only the first three are charged now: 150 credits." in text
        assert "The other 35 cost 1,750 credits when you like the look." in text
        assert "Run three first · 150 credits" in text

    def test_says_how_many_can_be_run(self, owner: Merchant) -> None:
        ledger.add_package(owner.account.pk, 1110, "pkg")

        text = self.ask(owner, 38)

        assert "You can run 24 now." in text
        assert "Run 24 · 1,200 credits" in text
        assert "Purchase 690 more credits" in text

    def test_refuses_fifty_one(self, olivia: Merchant) -> None:
        text = self.ask(olivia, 51)

        assert "not 51" in text
        assert "Run 51" not in text

    def test_as_many_as_can_be_run_are_charged_and_the_others_wait(self, owner: Merchant) -> None:
        ledger.add_package(owner.account.pk, 110, "pkg")
        batch = made(owner, uploads=6, charge="4", price_each="50", promised_package="100")

        assert (progress.read(batch).uncharged, owner.total) == (2, 10)
        ledger.add_package(owner.account.pk, 50, "more")
        form = pressed(page_of(owner, batch), "Run 1 · 50 credits")
        assert act(owner, batch, **form).status_code == 200
        assert (progress.read(batch).uncharged, owner.total) == (1, 10)


class TestABatch:
    def test_goes_on_with_the_price_on_the_button(self, olivia: Merchant) -> None:
        batch = made(olivia, three_first="on")
        work_off(batch)

        page = page_of(olivia, batch)
        assert "2 × 50 = 100 credits from package. 4,850 will be left." in words(page)
        form = pressed(page, "Run the other 2 · 100 credits")
        answers = [act(olivia, batch, **form) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert olivia.total == 5100 - 5 * EACH
        work_off(batch)
        assert "Finished" in words(page_of(olivia, batch))

    def test_a_changed_look_is_a_new_batch_of_the_same_pictures(self, olivia: Merchant) -> None:
        first = made(olivia, three_first="on")
        assert "its first three are charged again, 150 credits" in words(page_of(olivia, first))

        page = read_page(olivia.client.get(NEW, {"again": str(first.pk)}))
        kept = [attribute(box, "value") for box in every(page, "input", name="item")]
        kept.remove(OneMug.mug.id)
        assert len(kept) == 5
        second = made(
            olivia, uploads=0, key="k2", item=kept, three_first="on",
            **{"option-ground": "transparent"},
        )  # fmt: skip

        assert second.pk != first.pk
        assert olivia.total == 5100 - 6 * EACH

    def test_pauses_goes_on_and_cancels(self, olivia: Merchant) -> None:
        batch = made(olivia)
        assert act(olivia, batch, verb="pause").status_code == 200
        work_off(batch)
        assert progress.read(batch).waiting == 5

        act(olivia, batch, **pressed(page_of(olivia, batch), "Go on") | {"verb": "resume"})
        assert progress.read(Batch.objects.get()).state == "running"
        act(olivia, batch, **pressed(page_of(olivia, batch), "Cancel what waits"))

        assert progress.read(Batch.objects.get()).state == "cancelled"
        assert olivia.total == 5100
        again = act(olivia, batch, verb="cancel")
        assert again.status_code == 409
        assert "has ended already" in again.text

    def test_runs_failed_ones_again_at_the_price_shown(
        self, olivia: Merchant, shadowing: Engine
    ) -> None:
        shadowing.error = ProviderError("The image service failed.")
        batch = made(olivia, uploads=2)
        work_off(batch)
        page = page_of(olivia, batch)
        assert "The image service failed." in words(page)
        shadowing.error = None

        act(olivia, batch, **pressed(page, "Run the 2 failed ones again · 100 credits"))
        work_off(batch)

        assert (progress.read(batch).succeeded, olivia.total) == (2, 5100 - 4 * EACH)
        runs = Generation.objects.filter(batch=batch, state="succeeded")
        assert all(run.pictures.filter(role="output").exists() for run in runs)

    @pytest.mark.parametrize("verb", ["resume", "retry"])
    def test_above_the_spending_limit_a_makers_press_asks_an_owner(
        self, olivia: Merchant, shadowing: Engine, verb: str
    ) -> None:
        shadowing.error = ProviderError("The image service failed.")
        batch = made(olivia, three_first="on")
        work_off(batch)
        shadowing.error = None
        limits.set_limit(olivia.account.pk, EACH)
        before = (olivia.total, Generation.objects.count())
        maker = make_maker(olivia)
        press_it = {"verb": verb, "key": "k2"}

        whole = maker.client.post(f"{LIST}/{batch.pk}/act", press_it)
        told = act(maker, batch, **press_it)

        request = Approval.objects.get()
        assert whole["Location"] == told["HX-Redirect"] == f"/dashboard/approvals/{request.pk}"
        assert (olivia.total, Generation.objects.count()) == before
        # The owner's press is the decision, with the same key.
        assert act(olivia, batch, **press_it).status_code == 200
        assert olivia.total < before[0]

    def test_is_another_accounts_secret(self, olivia: Merchant) -> None:
        batch = made(olivia)
        sam = make_merchant("Sam")

        assert sam.client.get(f"{LIST}/{batch.pk}").status_code == 404
        assert act(sam, batch, verb="cancel").status_code == 404
        page = read_page(sam.client.get(NEW, {"again": str(batch.pk)}))
        assert "last batch" not in words(page)
        stolen = press(sam, uploads=0, item=[f"kept {batch.items.first().pk}"])
        assert stolen.status_code == 422
        assert not Generation.objects.filter(account=sam.account).exists()

    def test_many_items_cost_no_more_queries_than_few(self, olivia: Merchant) -> None:
        counts = []
        for number, uploads in enumerate((2, 12)):
            batch = made(olivia, uploads=uploads, key=f"k{number}")
            page_of(olivia, batch)
            with CaptureQueriesContext(connection) as queries:
                page_of(olivia, batch)
            counts.append(len(queries))

        assert counts[0] == counts[1]


def test_the_menu_leads_there(olivia: Merchant) -> None:
    page = read_page(olivia.client.get("/dashboard/"))
    links = {
        words(link): attribute(link, "href") for link in every(one(page, "nav", id="sidenav"), "a")
    }

    assert links["Batch"] == LIST
