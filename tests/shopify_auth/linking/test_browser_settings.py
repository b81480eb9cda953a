"""The settings of an account and requests for approval: axe-clean and not scrolling sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from credits.accounts import limits, recipients
from credits.models import AlertRecipient
from generations.models import Generation
from generations.results import data_exports
from shopify_auth.models import Membership
from tests.browser.test_accessibility import found, look
from tests.generations.mug_store import upload
from tests.merchants import make_merchant, make_person

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

__all__ = ["found"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
WIDTHS = (1280, 390)


def test_pages_of_settings(product: Product, sign_in: SignIn, found: list[str]):
    olivia = make_merchant("Olivia")
    recipients.add_confirmed(olivia.account.pk, "olivia@example.com")
    page = sign_in(olivia.person)
    for address in ("settings", "settings/zone", "settings/data", "settings/close", "approvals"):
        page.goto(f"/dashboard/{address}")
        look(page, address, found, widths=WIDTHS)

    page.goto("/dashboard/settings")
    page.get_by_label("Email addresses").fill("olivia@example.com\nshop@example.com")
    page.get_by_label("A run failed").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Waiting for an answer")).to_be_visible()
    look(page, "an address waits", found, widths=WIDTHS)
    link = recipients._token(AlertRecipient.objects.get(email="shop@example.com"))
    page.goto(f"/dashboard/recipients/{link}")
    look(page, "agreeing", found, widths=WIDTHS)
    page.get_by_role("button", name="Agree").click()
    expect(page.get_by_role("heading", name="You will get the emails")).to_be_visible()
    look(page, "agreed", found, widths=WIDTHS)

    page.goto("/dashboard/settings/zone")
    page.locator("#id_time_zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your days begin at midnight in Asia/Tokyo.")).to_be_visible()

    page.goto("/dashboard/settings/data")
    page.get_by_role("button", name="Make an export").click()
    expect(page.get_by_text("The export is being made.")).to_be_visible()
    export = data_exports.newest(olivia.account.pk)
    assert export is not None
    data_exports.make(str(export.pk))
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    look(page, "an export", found, widths=WIDTHS)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_maker_asks_and_an_owner_approves(
    product: Product, sign_in: SignIn, found: list[str], width: int
):
    olivia, mia = make_merchant("Olivia"), make_person("Mia")
    Membership.objects.create(person=mia, account=olivia.account, role="maker")
    limits.set_limit(olivia.account.pk, 10)
    hers = sign_in(mia, viewport={"width": width, "height": 900})
    hers.goto("/dashboard/tools/background-removal")
    hers.locator("#image").set_input_files(
        {"name": "mug.png", "mimeType": "image/png", "buffer": upload().read()}
    )
    hers.locator("[data-run-button]").click()
    expect(hers.get_by_text("An owner has to approve this")).to_be_visible()
    look(hers, "asked", found, widths=(width,))
    assert not Generation.objects.exists()
    hers.get_by_role("link", name="See the request").click()
    expect(hers.get_by_role("button", name="Take the request back")).to_be_visible()
    look(hers, "the request of a maker", found, widths=(width,))

    page = sign_in(olivia.person, viewport={"width": width, "height": 900})
    page.goto("/dashboard/")
    with page.expect_navigation():
        page.get_by_role("link", name="See the requests").click()
    look(page, "the requests", found, widths=(width,))
    page.set_viewport_size({"width": width, "height": 900})
    with page.expect_navigation():
        page.get_by_role("link", name="Background Removal").click()
    look(page, "a request", found, widths=(width,))
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_role("button", name="Approve · 20 credits").click()
    expect(page.get_by_role("link", name="Open the run")).to_be_visible()
    look(page, "approved", found, widths=(width,))
    assert Generation.objects.get().requested_by == mia
    # The page of whoever asked follows by itself.
    expect(hers.get_by_role("link", name="Open the run")).to_be_visible()
