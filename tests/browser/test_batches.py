"""A batch in a real browser, by pointer and by keys alone: pick, three first, go on, review, zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from credits import ledger
from ecomvance_app import after_commit
from generations.media.reading import read_picture
from generations.models import Batch, BatchItem, Generation
from generations.runs import batches, lifecycle
from generations.runs.orders import Order, Requester
from tests.framed_fixture import FramedProduct
from tests.generations import sample_pictures as samples
from tests.generations.engine import picture_result
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    # Four real pictures on a busy machine.
    pytest.mark.timeout(300),
]
SignIn = Callable[..., "Page"]
NEW = "/dashboard/batches/new"


@pytest.fixture
def olivia(product: Product) -> Merchant:
    """Olivia, who can pay for a batch of four twice."""
    olivia = make_merchant("Olivia")
    ledger.add_package(olivia.account.pk, 400, "pkg")
    return olivia


def reviews() -> list[str]:
    items = BatchItem.objects.order_by("position")
    return list(items.values_list("run__review", flat=True))


def begin(page: Page, photographs: Path) -> None:
    """Choose four pictures and wait for their price."""
    page.goto(NEW)
    page.set_input_files("#image", [photographs / "coffee.png"] * 4)
    page.wait_for_selector("#batch-quote[data-quoted='4']")
    words = page.locator("#batch-quote")
    price = "4 × 50 = 200 credits: 100 from plan, 100 from package. 300 will be left."
    expect(words).to_contain_text(price)
    expect(words).to_contain_text("Only the first three are charged now: 150 credits.")


def test_by_pointer(olivia: Merchant, sign_in: SignIn, photographs: Path) -> None:
    page = sign_in(olivia.person)
    begin(page, photographs)
    page.get_by_role("button", name="Run three first").click()
    page.wait_for_url("**/dashboard/batches/*-*")
    page.wait_for_selector("#batch:has-text('3 of 4 ended')", timeout=120_000)
    page.get_by_role("button", name="Run the other one").click()
    page.wait_for_selector("#batch:has-text('Finished')", timeout=120_000)
    assert olivia.total == 300

    page.get_by_role("link", name="Review").click()
    page.locator("[data-accept]").first.click()
    page.wait_for_selector("#batch-review:has-text('1 of 4 results')")
    assert reviews() == ["accepted", "", "", ""]
    page.check("[data-choose-all]")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download zip").click()
    packed = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert len(packed.namelist()) == 4


def test_a_look_is_tried_for_free(olivia: Merchant, sign_in: SignIn, photographs: Path) -> None:
    page = sign_in(olivia.person)
    begin(page, photographs)

    page.click("[data-preview-button]")

    page.wait_for_selector("img.batch-preview", timeout=120_000)
    assert olivia.total == 500


def press_on(page: Page, selector: str, key: str = "Enter") -> None:
    """Put the keyboard on an element, as Tab does in the end, and press."""
    page.locator(selector).first.focus()
    page.keyboard.press(key)


def test_by_keys_alone(olivia: Merchant, sign_in: SignIn, photographs: Path) -> None:
    page = sign_in(olivia.person)
    begin(page, photographs)
    press_on(page, "input[name=three_first]", "Space")
    page.wait_for_selector("#batch-quote:has-text('Run 4')")
    press_on(page, "#batch-quote button[type=submit]")
    page.wait_for_url("**/dashboard/batches/*-*")
    page.wait_for_selector("#batch:has-text('Finished')", timeout=120_000)
    batch = Batch.objects.get()
    page.goto(f"/dashboard/batches/{batch.pk}/review")

    # Into the grid by an arrow; A and R go on to the next by themselves.
    page.wait_for_selector("[data-review-card]")
    page.keyboard.press("ArrowRight")
    for number, key in enumerate("ara", 1):
        page.keyboard.press(key)
        page.wait_for_selector(f"#batch-review:has-text('{number} of 4 results')")
        page.wait_for_selector(f"[data-review-card]:nth-child({number + 1}):focus-within")
    assert reviews() == ["accepted", "rejected", "accepted", ""]
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    with page.expect_download() as download:
        press_on(page, "button[value=zip]")
    packed = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert len(packed.namelist()) == 2


def test_two_tabs_review_one_batch(olivia: Merchant, sign_in: SignIn) -> None:
    """The last word counts, and the other tab is told without being loaded again."""
    batch = reviewable(olivia, 2)
    first = sign_in(olivia.person)
    second = first.context.new_page()
    for tab in (first, second):
        tab.goto(f"/dashboard/batches/{batch.pk}/review")
        tab.evaluate("window.neverLoadedAgain = true")

    # No waiting for a stream: what is said before a tab listens reaches it all the same.
    first.locator("[data-accept]").nth(0).click()
    wait_for_marks(first, "accepted", "")
    wait_for_marks(second, "accepted", "")
    second.locator("[data-reject]").nth(0).click()
    wait_for_marks(second, "rejected", "")
    wait_for_marks(first, "rejected", "")
    # What one tab has not seen yet is not undone by what it says of another card.
    first.locator("[data-accept]").nth(0).click()
    second.locator("[data-accept]").nth(1).click()
    for tab in (first, second):
        wait_for_marks(tab, "accepted", "accepted")

    assert reviews() == ["accepted", "accepted"]
    assert all(tab.evaluate("window.neverLoadedAgain") for tab in (first, second))


def test_fast_keys_lose_no_mark_and_no_tick(olivia: Merchant, sign_in: SignIn) -> None:
    batch = reviewable(olivia, 4)
    page = sign_in(olivia.person)
    page.goto(f"/dashboard/batches/{batch.pk}/review")
    page.locator("input[name=run]").nth(3).check()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")

    page.keyboard.type("ara")

    wait_for_marks(page, "accepted", "rejected", "accepted", "")
    assert reviews() == ["accepted", "rejected", "accepted", ""]
    assert page.locator("input[name=run]").nth(3).is_checked()


def wait_for_marks(page: Page, *marks: str) -> None:
    """Wait until the cards are marked so."""
    page.wait_for_function(
        """(marks) => {
          const cards = [...document.querySelectorAll("[data-review-card]")];
          const markOf = (card) => /batch-review__card--(\\w+)/.exec(card.className)?.[1] || "";
          return cards.length === marks.length && cards.every((card, i) => markOf(card) === marks[i]);
        }""",
        arg=list(marks),
        timeout=60_000,
    )


def reviewable(merchant: Merchant, count: int) -> Batch:
    """A batch with all its results, made here: the product's worker never hears of it."""
    picture = read_picture(samples.encoded(samples.quarters(260, 260), "PNG"))
    orders = [Order(batches.TOOL, "1K", uploads=(picture,))] * count
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    with after_commit.withheld():
        batch, _created = batches.place(requester, orders, "a batch to review")
        for run in Generation.objects.filter(batch_item__batch=batch):
            begun = lifecycle.start(str(run.pk))
            assert begun is not None
            assert lifecycle.succeed(begun, picture_result())
    return batch


def test_more_than_fifty_files_are_not_sent(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto(NEW)
    content = samples.encoded(samples.quarters(260, 260), "PNG")
    file = {"name": "mug.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("#image", [file] * 51)
    page.wait_for_selector("#batch-quote:has-text('not 51')")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    # As Enter in a field would.
    page.evaluate("document.querySelector('[data-batch-form]').requestSubmit()")

    reason = "A batch has 1 to 50 items, not 51. Nothing was charged."
    page.wait_for_selector(f"#run-errors:has-text('{reason}')")
    assert "POST" not in sent


def test_the_admins_own_picker_chooses(framed_product: FramedProduct, admin_page: Page) -> None:
    admin_page.goto(framed_product.admin_url("/batches/new"))
    frame = admin_page.frame_locator("iframe").first
    frame.locator("[data-product-picker]").click()
    choices = admin_page.locator("[data-picker-list] .choice")
    choices.nth(1).wait_for()
    titles = choices.all_inner_texts()[:2]
    for number in range(2):
        choices.nth(number).click()
    admin_page.locator("button[value=choose]").click()

    chosen = frame.locator("[data-batch-kept] [data-batch-card]")
    chosen.nth(1).wait_for()
    expect(chosen).to_have_count(2)
    assert [text.split("\n")[0] for text in chosen.all_inner_texts()] == titles
    expect(frame.locator("[data-batch-kept] [data-batch-item]:checked")).to_have_count(2)
    frame.locator("#batch-quote[data-quoted='2']").wait_for()
    expect(frame.locator("#batch-quote")).to_contain_text("2 × 50 = 100 credits")
    frame.get_by_role("button", name="Run 2").click()
    frame.locator("#batch").wait_for(timeout=120_000)

    items = BatchItem.objects.order_by("position").values_list("title", flat=True)
    assert list(items) == titles
