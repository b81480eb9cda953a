"""Pictures on a tool's page in a real browser: chosen, ordered, marked, kept, refused in view."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from credits import ledger
from generations.media import storage
from generations.models import Generation, Picture
from tests.browser.live_pages import still_box, until
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    # Checks of pictures and whole runs, on a machine that may be busy.
    pytest.mark.timeout(300),
]
SignIn = Callable[..., "Page"]
TOOLS = "/dashboard/tools"
ROW = "[data-chosen-list] > li"


@pytest.fixture
def olivia(product: Product) -> Merchant:
    merchant = make_merchant("Olivia")
    ledger.add_package(merchant.account.pk, 1000, "package")
    return merchant


SIZES = """() => [...document.querySelector("input[name=image]").files].map((file) => file.size)"""
# What the page keeps in this browser for the Back button.
KEPT = """() => new Promise((done) => {
  const opening = indexedDB.open("ecomvance", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("drafts");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("drafts").objectStore("drafts").get(location.pathname);
    asked.onsuccess = () => {
      opening.result.close();
      done(JSON.stringify([asked.result?.values, asked.result?.items?.length]));
    };
  };
})"""


def shows_names(page: Page, *names: str) -> None:
    """Wait until these pictures are chosen, in this order."""
    expect(page.locator(f"{ROW} [data-name]")).to_have_text(list(names))


def checked(page: Page) -> None:
    """Wait until the free check of every chosen picture has come back."""
    page.wait_for_function(
        """() => [...document.querySelectorAll("[data-advice]")].every(
            (advice) => advice.innerText && !advice.innerText.includes("…"))""",
        timeout=120_000,
    )


def marked(run: Generation) -> Image.Image:
    content = storage.read(run.pictures.get(role=Picture.Role.MASK))
    return Image.open(io.BytesIO(content)).convert("L")


def test_three_products_are_put_in_order_and_make_one_scene(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{TOOLS}/product-placement")
    files = [photographs / name for name in ("coffee.png", "chelsea.png")]
    page.set_input_files("input[name=image]", files)
    page.set_input_files("input[name=image]", photographs / "rocket.jpg")
    shows_names(page, "coffee.png", "chelsea.png", "rocket.jpg")
    page.locator(ROW).nth(2).get_by_label("Move up").press("Enter")
    shows_names(page, "coffee.png", "rocket.jpg", "chelsea.png")
    expect(page.locator(":focus")).to_have_attribute("aria-label", "Move up")
    checked(page)
    expect(page.locator(ROW).first).to_contain_text("Small")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.click("[data-run-button]")

    page.wait_for_selector("[data-compare]", timeout=120_000)
    run = Generation.objects.get()
    went_in = run.pictures.filter(role=Picture.Role.INPUT).order_by("position")
    assert list(went_in.values_list("name", flat=True)) == [
        "coffee.png", "rocket.jpg", "chelsea.png",
    ]  # fmt: skip
    assert run.pictures.filter(role=Picture.Role.OUTPUT).count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_resolution_that_a_small_photo_cannot_fill_says_so_beside_the_choice(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(f"{TOOLS}/ai-shadowing")
    web, large = (page.locator(f"label:has(input[value='{name}'])") for name in ("1K", "4K"))
    assert "pixels" not in large.inner_text()

    page.set_input_files("input[name=image]", photographs / "coffee.png")

    large.get_by_text("4K shows no more of it than 1K").wait_for()
    assert "pixels" not in web.inner_text()
    # It goes with the picture.
    page.locator(ROW).get_by_label("Remove").click()
    large.get_by_text("4K shows no more").wait_for(state="hidden")


def test_a_mask_is_painted_by_pointer_and_by_keys(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(f"{TOOLS}/object-removal")
    page.set_input_files("input[name=image]", photographs / "coffee.png")
    canvas = page.locator("[data-paint-canvas]")
    canvas.wait_for()
    checked(page)
    canvas.scroll_into_view_if_needed()
    box = still_box(page, canvas)
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2, steps=4)
    page.mouse.up()
    # The brush of the keys begins in the middle and moves to the lower right.
    canvas.focus()
    for _step in range(4):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("PageUp")
    page.keyboard.down(" ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.up(" ")
    page.keyboard.down(" ")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.up(" ")
    page.keyboard.press("Control+z")
    expect(page.locator("[data-paint-zoom-level]")).to_have_text("150 %")
    expect(page.locator("[data-mask-status]")).to_have_text("Part of the image is marked.")

    page.click("[data-run-button]")

    page.wait_for_selector("[data-compare]", timeout=120_000)
    mask = marked(Generation.objects.get())
    assert mask.size == (600, 400)
    assert [mask.getpixel(at) for at in ((150, 80), (535, 358), (300, 200), (535, 300))] == [
        255, 255, 0, 0,
    ]  # fmt: skip


def test_a_refused_click_shows_and_reads_what_is_missing(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{TOOLS}/product-placement")

    page.click("[data-run-button]")

    told = page.locator("#run-errors .note--critical")
    expect(told).to_be_in_viewport(ratio=1)
    expect(page.locator("#run-errors")).to_be_focused()
    expect(page.locator("#run-errors")).to_have_attribute("role", "alert")
    expect(told).to_contain_text("othing was charged")
    assert olivia.total == 1100


def test_the_back_button_brings_back_files_and_choices(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(f"{TOOLS}/ai-backgrounds")
    page.set_input_files("input[name=image]", photographs / "coffee.png")
    page.select_option("[name=option-set]", "shore")
    page.fill("[name=prompt]", "On a beach")
    page.check("[name=resolution][value='4K']")
    until(
        page, lambda: all(word in page.evaluate(KEPT) for word in ("On a beach", "4K true", "1]"))
    )
    page.goto("/dashboard/prices")

    page.go_back()

    shows_names(page, "coffee.png")
    expect(page.locator("[name=option-set]")).to_have_value("shore")
    expect(page.locator("[name=prompt]")).to_have_value("On a beach")
    expect(page.locator("[data-run-button]")).to_contain_text("100 credits")
    assert page.evaluate(SIZES)[0] > 100_000


def test_a_picture_is_pasted_and_removed(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(f"{TOOLS}/background-removal")
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(700, 700);
            canvas.getContext("2d").fillRect(200, 200, 200, 200);
            const file = new File([await canvas.convertToBlob()], "pasted.png", {type: "image/png"});
            const clipboardData = new DataTransfer();
            clipboardData.items.add(file);
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
        }"""
    )
    shows_names(page, "pasted.png")
    until(page, lambda: len(page.evaluate(SIZES)) == 1)

    page.get_by_label("Remove", exact=True).click()

    shows_names(page)
    until(page, lambda: page.evaluate(SIZES) == [])


def test_on_a_phone_a_photo_is_taken_and_goes_through_the_tool(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    phone = {"width": 390, "height": 844}
    page = sign_in(olivia.person, viewport=phone, has_touch=True, is_mobile=True)
    page.goto(f"{TOOLS}/background-removal")
    button = page.get_by_role("button", name="Take a photo")
    button.wait_for()
    box = still_box(page, button)
    assert (box["height"] >= 24, box["x"] >= 0, box["x"] + box["width"] <= 390) == (True,) * 3

    with page.expect_file_chooser() as opened:
        button.tap()
    chooser = opened.value
    # The phone opens its back camera for pictures.
    asked = [chooser.element.get_attribute(name) for name in ("capture", "accept")]
    assert asked == ["environment", "image/*"]
    chooser.set_files(photographs / "chelsea.png")

    shows_names(page, "chelsea.png")
    checked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("[data-run-button]").tap()
    page.wait_for_selector("[data-compare]", timeout=120_000)
    sent = Picture.objects.get(role=Picture.Role.INPUT)
    assert (sent.name, sent.width) == ("chelsea.png", 451)


def test_a_mouse_is_offered_no_camera(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto(f"{TOOLS}/background-removal")
    page.wait_for_selector("[data-ready]")

    expect(page.locator("[data-camera]")).to_be_hidden()
