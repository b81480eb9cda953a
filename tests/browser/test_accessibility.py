"""axe-core and sideways scrolling on every page, in the states that a merchant meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client, RequestFactory
from django.utils import timezone
from playwright.sync_api import expect

from credits import ledger
from credits.models import Account, LedgerEntry
from ecomvance_app import views
from generations.media.reading import read_picture
from generations.models import Generation
from generations.runs import lifecycle
from generations.runs.queries import key_digest
from generations.runs.request import Order, Requester, place
from shopify_auth.models import Membership
from tests.generations import sample_pictures as samples
from tests.generations.engine import picture_result
from tests.merchants import Merchant, make_merchant, make_person

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
WIDTHS = (1280, 390, 320)
DAY = timedelta(days=1)
TOOL = "tools/background-removal"


@pytest.fixture
def found(page: Page) -> Iterator[list[str]]:
    """What the checks of one test have found; the test names all of it at its end."""
    problems: list[str] = []
    yield problems
    assert problems == []


def look(page: Page, name: str, found: list[str], widths: tuple[int, ...] = WIDTHS) -> None:
    """Note what axe finds on the page as it stands at each width, and whether it overflows."""
    page.evaluate(Axe().axe_script)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        report = AxeResults(page.evaluate("axe.run({resultTypes: ['violations']})"))
        if report.violations_count:
            found.append(f"{name} at {width}: {report.generate_report()}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{name} at {width} px scrolls sideways")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


# --- A store at work -----------------------------------------------------------------------------


@pytest.fixture
def olivia(product: Product) -> Merchant:
    """Olivia, on a plan, with runs that ended in every way and a balance that was corrected."""
    merchant = make_merchant("Olivia")
    account_id, now = merchant.account.pk, timezone.now()
    ledger.start_plan_period(account_id, "starter", now, now + 30 * DAY, key="period")
    ledger.add_package(account_id, 500, key="package")
    ledger.spend(account_id, 50, "enhance", tool="image-enhance")
    ledger.adjust(account_id, "plan", 30, "goodwill", "staff:9", "One result was blurred")
    for outcome in ("delivered", "platform_error", "timeout", "cancelled"):
        ended_run(merchant, outcome)
    return merchant


def ended_run(merchant: Merchant, outcome: str) -> None:
    """One run of a cut-out that ended so, before any worker could see it."""
    content = samples.encoded(samples.quarters(), "PNG")
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    order = Order("background-removal", uploads=(read_picture(content),))
    with transaction.atomic():
        run, _created = place(requester, order, outcome)
        if outcome == "cancelled":
            lifecycle.cancel(merchant.account.pk, str(run.pk))
            return
        started = lifecycle.start(str(run.pk))
        assert started is not None
        if outcome == "delivered":
            lifecycle.succeed(started, picture_result())
        else:
            lifecycle.fail(started, outcome, "The result could not be stored.")


def test_pages_of_a_store_at_work(olivia: Merchant, sign_in: SignIn, found: list[str]) -> None:
    page = sign_in(olivia.person)
    runs = list(Generation.objects.all())
    failed = Generation.objects.get(key=key_digest("platform_error"))
    assert failed.spend is not None
    period = LedgerEntry.objects.get(kind="plan_grant").sequence
    addresses = (
        "", "tools", TOOL, "tools/veo-t2v", "gallery", "gallery?layout=list", "gallery?state=queued",
        *(f"runs/{run.pk}" for run in runs),
        "usage", f"usage?span=period-{period}", "usage/ledger", "usage/ledger?at=soon",
        f"usage/ledger/{failed.spend.sequence}", "usage/ledger/1", "plans", "settings",
    )  # fmt: skip
    for address in addresses:
        response = page.goto(f"/dashboard/{address}")
        assert response is not None
        assert response.status == 200, address
        look(page, address, found, widths=(1280, 390))


def test_what_opens_and_what_is_refused(
    olivia: Merchant, sign_in: SignIn, found: list[str], tmp_path
) -> None:
    page = sign_in(olivia.person)

    def opened(address: str, button: str, shows: str) -> None:
        page.goto(f"/dashboard/{address}")
        page.locator(button).first.click()
        page.locator(shows).first.wait_for()

    opened("", "[data-balance-button]", "#balance-popover")
    look(page, "the balance popover", found, widths=(1280, 390))
    opened("", "[popovertarget=account-menu]", "#account-menu")
    look(page, "the account menu", found, widths=(1280,))
    page.set_viewport_size({"width": 390, "height": 900})
    opened("", "[popovertarget=sidenav]", "#sidenav")
    look(page, "the menu", found, widths=(390,))
    opened("usage", "details summary", "details table")
    look(page, "the chart's table", found, widths=(1280, 390))

    page.goto("/dashboard/settings")
    page.locator("textarea").first.fill("not an address")
    page.locator("main form [type=submit]").first.click()
    page.locator("[aria-invalid=true]").first.wait_for()
    look(page, "settings with an error", found, widths=(1280, 390))
    note = tmp_path / "photo.jpg"
    note.write_text("This is not a picture.")
    page.goto(f"/dashboard/{TOOL}")
    page.set_input_files("input[type=file]", note)
    page.locator("[data-run-button]").click()
    page.locator("#run-errors .note--critical").wait_for()
    look(page, "a refused picture", found, widths=(1280, 390))


# --- Balances that need saying -------------------------------------------------------------------


def join(merchant: Merchant, account: Account) -> None:
    """Move the merchant to this account."""
    Membership.objects.filter(person=merchant.person).update(account=account)


def on_trial_since(days: int) -> Account:
    return ledger.open_account("Began earlier", now=timezone.now() - days * DAY)


def test_pages_that_warn(product: Product, sign_in: SignIn, found: list[str]) -> None:
    merchant = make_merchant("Olivia")
    page = sign_in(merchant.person)
    low, cheapest, zero, ended = (on_trial_since(days) for days in (0, 0, 0, 9))
    ledger.spend(low.pk, 60, "most", tool="background-removal")
    ledger.spend(cheapest.pk, 90, "nearly all", tool="image-enhance")
    ledger.spend(zero.pk, 100, "all", tool="image-enhance")
    ledger.add_package(ended.pk, 500, key="package")
    states = {
        "first day": on_trial_since(0), "last day of the trial": on_trial_since(6),
        "trial ended": ended, "low": low, "below the cheapest tool": cheapest, "zero": zero,
    }  # fmt: skip
    for state, account in states.items():
        join(merchant, account)
        for address in ("", "usage") if state in {"first day", "low"} else ("",):
            page.goto(f"/dashboard/{address}")
            banners = 0 if state == "first day" else 1
            expect(page.locator("main .banner:visible"), state).to_have_count(banners)
            look(page, f"{state}: {address}", found, widths=(1280, 390))
    page.goto(f"/dashboard/{TOOL}")
    look(page, "a tool that cannot be paid", found, widths=(1280, 390))


# --- Without an account --------------------------------------------------------------------------


def test_sign_in_gallery_and_error_pages(product: Product, page: Page, found: list[str]) -> None:
    for address in ("login/", "signup/", "password/reset/"):
        page.goto(f"/dashboard/sign-in/{address}")
        look(page, address, found)
    page.goto("/dashboard/sign-in/login/")
    page.fill("[name=login]", "olivia@example.com")
    page.fill("[name=password]", "wrong")
    page.locator("main form [type=submit]").first.click()
    page.locator(".note--critical").first.wait_for()
    look(page, "sign-in refused", found)
    page.goto("/staff/components")
    look(page, "gallery", found)
    for status, answer in refusals().items():
        assert answer.status_code == int(status[:3]), status
        show(page, answer)
        look(page, f"error page {status}", found)


def refusals() -> dict[str, HttpResponseBase]:
    """The error pages as production answers them; the running product shows a debugger's."""
    stranger = Client()
    stranger.force_login(make_person("Stranger"))
    return {
        "400": Client(headers={"host": "elsewhere.example"}).get("/dashboard/"),
        "403": stranger.get("/dashboard/"),
        "403 without a token": Client(enforce_csrf_checks=True).post("/dashboard/sign-in/login/"),
        "404": Client().get("/dashboard/sign-in/nothing-here"),
        "500": views.server_error(RequestFactory().get("/")),
    }


def show(page: Page, answer: HttpResponseBase) -> None:
    """Let the browser have this answer from the running product."""
    body, address = answer.content, "**/the-answer"  # type: ignore[attr-defined]
    page.route(address, lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto("/the-answer")
    page.unroute(address)
