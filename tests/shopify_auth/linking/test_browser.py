"""Linking, people and limits in a browser: axe-clean and not scrolling sideways at 1280 and 390."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from shopify_auth.linking import people, requests
from shopify_auth.models import Invitation, LinkRequest, Membership, Shop
from shopify_auth.stores import connections
from tests.browser.test_accessibility import found, look
from tests.merchants import make_person, open_store

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.framed_fixture import FramedProduct
    from tests.plugins.browser import Product

__all__ = ["found"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
WIDTHS = (1280, 390)


def test_pages_of_people_and_connections(product: Product, sign_in: SignIn, found: list[str]):
    store = open_store("olivias-mugs.myshopify.com")
    olivia, wendy = make_person("Olivia"), make_person("Wendy")
    for person, role in ((olivia, "owner"), (wendy, "maker")):
        Membership.objects.create(person=person, account=store.account, role=role)
    shop = Shop.objects.get()
    connections.issue_key(connections.connect(shop, wendy))
    page = sign_in(olivia)
    for address in ("settings/spending", "settings/connection", "settings/people"):
        page.goto(f"/dashboard/{address}")
        look(page, address, found, widths=WIDTHS)

    page.get_by_label("Email address").fill("nina@example.com")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("An invitation is on its way to nina@example.com.")).to_be_visible()
    look(page, "invited", found, widths=WIDTHS)
    assert Invitation.objects.get().email == "nina@example.com"

    page.goto("/dashboard/settings/connection")
    page.get_by_role("button", name="Rotate key").click()
    expect(page.get_by_text("you see the secret only this once")).to_be_visible()
    look(page, "a fresh key", found, widths=WIDTHS)

    page.goto("/dashboard/connect")
    look(page, "connect", found, widths=WIDTHS)
    page.get_by_role("button", name="Show a code for the store").click()
    expect(page.locator("code").first).to_be_visible()
    look(page, "a code", found, widths=WIDTHS)
    page.goto("/dashboard/connect")
    page.get_by_label("Store domain").fill("sams-lamps")
    page.get_by_role("button", name="Ask the store").click()
    expect(page.get_by_text("The store's owner now decides in Shopify")).to_be_visible()
    look(page, "asked", found, widths=WIDTHS)
    token = people.invite(store.account, "zoe@example.com", "viewer", olivia)
    for address in (
        f"connect/{requests.link_from_store(shop)}",
        f"invitations/{token}",
        "connect/used",
        "accounts",
    ):
        page.goto(f"/dashboard/{address}")
        look(page, address.partition("/")[0], found, widths=WIDTHS)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_owner_lets_somebody_in_inside_the_admin(
    framed_product: FramedProduct, admin_page: Page, width: int
):
    admin_page.set_viewport_size({"width": width, "height": 900})
    admin_page.goto(framed_product.admin_url("/settings/connection"))
    frame = admin_page.frame_locator("iframe")
    frame.get_by_role("button", name="Show a code").click()
    code = frame.locator("code").first.inner_text()
    wendy = make_person("Wendy")
    asked = requests.take_code_on_web(code, wendy, "192.0.2.1")
    admin_page.goto(framed_product.admin_url("/settings/connection"))
    expect(frame.get_by_text("wendy@example.com")).to_be_visible()
    frame.get_by_label("Role").select_option("viewer")
    frame.get_by_role("button", name="Let them in").click()
    expect(frame.get_by_text("joins once they confirm")).to_be_visible()
    asked = LinkRequest.objects.get(pk=asked.pk)
    assert (asked.state, asked.role) == ("approved", "viewer")
    requests.confirm(asked, wendy)
    assert Membership.objects.get().role == "viewer"
