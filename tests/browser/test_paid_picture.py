"""The main path in a real browser: photo, price, progress, cut-out, balance, gallery."""

from __future__ import annotations

import io
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from ecomvance_app.celery import app
from generations.media.reading import read_picture
from generations.models import Generation
from generations.runs import lifecycle
from generations.runs.request import Order, Requester, place
from tests.generations.mug_store import lose_worker
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
TOOL = "/dashboard/tools/background-removal"


@pytest.fixture
def olivia(product: Product) -> Merchant:
    return make_merchant("Olivia")


def test_a_photo_becomes_a_cut_out_and_every_tab_shows_the_balance(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    other_tab = page.context.new_page()
    other_tab.goto("/dashboard/gallery")
    page.goto(TOOL)
    expect(page.locator("[data-run-button]")).to_have_text("Remove background · 20 credits")
    expect(page.locator(".topbar")).to_contain_text(
        "100 credits · Plan 100 · Package 0", use_inner_text=True
    )

    page.set_input_files("input[type=file]", photographs / "coffee.png")
    page.dblclick("[data-run-button]")

    page.wait_for_selector("[data-compare]", timeout=120_000)
    for tab in (page, other_tab):
        expect(tab.locator(".topbar")).to_contain_text("80 credits")
    run = Generation.objects.get()
    assert (run.state, run.price) == ("succeeded", 20)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (600, 400))
        assert image.getchannel("A").getextrema() == (0, 255)
    page.goto("/dashboard/gallery?layout=list")
    row = page.locator("tbody tr").inner_text()
    assert re.search(r"Background Removal\s.*Ready\s.*Our server\s.*Olivia\s.*20\s", row, re.DOTALL)


def test_a_refused_file_keeps_the_page_and_the_credits(
    olivia: Merchant, sign_in: SignIn, tmp_path: Path
) -> None:
    note = tmp_path / "photo.jpg"
    note.write_text("This is not a picture.")
    page = sign_in(olivia.person)
    page.goto(TOOL)

    page.set_input_files("input[type=file]", note)
    page.click("[data-run-button]")

    page.wait_for_selector("#run-errors .note--critical")
    expect(page.locator("[data-dropzone-file]")).to_contain_text("photo.jpg")
    assert not Generation.objects.exists()
    assert olivia.total == 100


def test_a_run_that_a_dead_worker_left_behind_is_finished_for_one_charge(
    olivia: Merchant,
    sign_in: SignIn,
    product: Product,
    photographs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product.worker.stop(signal.SIGKILL)
    picture = read_picture((photographs / "coffee.png").read_bytes())
    requester = Requester(olivia.account.pk, olivia.person.pk, "web")
    with monkeypatch.context() as lost:
        # The message went down with the worker, and so did the run's lease.
        lost.setattr(app, "send_task", lambda *_arguments, **_options: None)
        order = Order("background-removal", uploads=(picture,))
        generation, _created = place(requester, order, "k")
        run = lifecycle.start(str(generation.pk))
    assert run is not None
    page = sign_in(olivia.person)
    page.goto(f"/dashboard/runs/{run.pk}")
    page.wait_for_selector("progress")
    lose_worker()

    product.worker.start()
    lifecycle.sweep()
    page.wait_for_selector("[data-compare]", timeout=120_000)

    run.refresh_from_db()
    assert (run.state, run.error, run.attempts) == ("succeeded", "", 2)
    expect(page.locator("[data-compare]")).to_be_visible()
    assert olivia.total == 80
