"""Words in a real browser: a question, a card, a run; a description, changed by hand; the stop button."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from credits.models import LedgerEntry
from generations.models import ChatMessage, Conversation, Generation, Picture
from tests.framed_fixture import FramedProduct
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
WIDTHS = (1280, 390, 320)
WISH = "Write a description: Tin cup, holds 200 ml"


@pytest.fixture
def olivia(product: Product) -> Merchant:
    return make_merchant("Olivia")


def check(page: Page) -> None:
    """Nothing that axe finds, and no sideways scrolling, at any width."""
    page.evaluate(Axe().axe_script)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        report = AxeResults(page.evaluate("axe.run({resultTypes: ['violations']})"))
        assert not report.violations_count, report.generate_report()
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), width
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def ask(page: Page, text: str) -> None:
    """Ask by Enter, once the answer before is through: until then a second question is not taken."""
    page.locator("#assist-form:not([data-busy])").wait_for()
    page.fill("#assist-message", text)
    page.keyboard.press("Enter")


def test_a_question_becomes_a_card_and_its_click_a_run(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/assist")
    check(page)
    page.click("[data-starter] >> nth=2")
    page.locator(".talk .talk__answer", has_text="Trial credits reset on:").wait_for()
    page.wait_for_url(re.compile(r"/assist/[0-9a-f-]+$"))
    assert page.url.endswith(str(Conversation.objects.get().pk))

    ask(page, WISH)
    page.locator(".draft").wait_for()
    expect(page.locator(".draft").get_by_text("20 from plan")).to_be_visible()
    assert not Generation.objects.exists()
    check(page)
    page.get_by_role("button", name="Run · 20 credits").click()
    page.get_by_text("Started: see the run").wait_for(timeout=120_000)
    run = Generation.objects.get()
    assert (run.tool, run.price) == ("description-generator", 20)
    assert LedgerEntry.objects.filter(kind="spend").count() == 1
    assert Conversation.objects.count() == 1
    assert ChatMessage.objects.count() == 4
    page.get_by_role("button", name="Delete this conversation").click()
    page.wait_for_url("**/dashboard/assist")
    assert not ChatMessage.objects.exists()


def test_a_description_is_made_changed_by_hand_and_copied(
    olivia: Merchant, sign_in: SignIn
) -> None:
    page = sign_in(olivia.person)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/dashboard/tools/description-generator")
    page.fill("#prompt", "Tin cup\nHolds 200 ml")
    page.click("[data-run-button]")
    page.locator("#result article").wait_for(timeout=120_000)
    run = Generation.objects.get()
    page.goto(f"/dashboard/runs/{run.pk}")
    check(page)

    page.get_by_text("Edit by hand").click()
    check(page)
    page.fill("#text-title", "")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Title: this cannot be empty.").wait_for()
    page.fill("#text-title", "Camping cup")
    page.fill("#text-description", "<p>Holds 200 ml of tea.</p><script>alert(1)</script>")
    page.get_by_role("button", name="Save").click()
    page.locator("article h2", has_text="Camping cup").wait_for()
    page.get_by_text("With your own changes.").wait_for()
    page.get_by_role("button", name="Copy description (HTML)").click()
    page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "<p>Holds 200 ml of tea.</p>"
    text = Picture.objects.get(role="output")
    assert text.words is not None
    assert text.words["title"] == "Camping cup"


def test_an_answer_can_be_stopped(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/assist")
    # A line on which the answer never comes.
    page.route("**/assist/ask", lambda _route: None)
    ask(page, "How can I save credits?")
    page.get_by_role("button", name="Stop").click()
    page.locator("#assist-status", has_text="Stopped").wait_for(state="attached")
    expect(page.locator("#assist-stop")).to_be_hidden()
    page.unroute("**/assist/ask")
    ask(page, "How can I save credits?")
    page.locator(".talk .talk__answer", has_text="1K–2K is enough").wait_for()


def test_in_the_admin_a_product_is_proposed_run_compared_and_edited(
    framed_product: FramedProduct, admin_page: Page
) -> None:
    admin_page.goto(framed_product.admin_url("/assist"))
    frame = admin_page.frame_locator("iframe").first
    frame.locator("#assist-message").fill("Write a description of the Stoneware Mug, Lagoon")
    frame.locator("#assist-message").press("Enter")
    card = frame.locator(".talk .draft")
    card.get_by_text("Stoneware Mug, Lagoon").wait_for()
    assert not Generation.objects.exists()

    card.get_by_role("button", name="Run · 20 credits").click()
    card.get_by_role("link", name="Started: see the run").click()
    frame.locator("article h2", has_text="Stoneware Mug, Lagoon").wait_for(timeout=120_000)
    frame.get_by_text("Compare with the present description").click()
    frame.locator(".changes").wait_for()
    frame.get_by_text("Edit by hand").click()
    frame.locator("#text-description").fill("<p>A mug of stoneware.</p>")
    frame.get_by_role("button", name="Save").click()
    frame.locator("article p", has_text="A mug of stoneware.").wait_for()
    frame.locator(".changes ins, .changes del").first.wait_for(state="attached")
    run = Generation.objects.get()
    assert (run.price, run.tool) == (20, "description-generator")


def test_a_hint_goes_at_a_click_and_stays_away(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/tools/object-removal")
    page.get_by_role("button", name="Do not show again").click()
    page.locator("#hint").wait_for(state="detached")
    expect(page.locator("[data-run-button]")).to_be_visible()
    page.reload()
    page.get_by_text("For the web and social media 1K–2K is enough").wait_for()
    check(page)
