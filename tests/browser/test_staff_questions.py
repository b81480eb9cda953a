"""Ten questions that merchants ask, answered from the admin alone in two clicks or fewer.

`-s` prints the table of docs/staff.md with the seconds that each took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from credits import ledger
from credits.models import Notice
from generations.models import Generation
from generations.runs import lifecycle
from shopify_auth.models import Person, Purchase, Shop
from tests.browser.test_live_sentences import olivia, working_run
from tests.browser.test_staff import sasha
from tests.merchants import Merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["olivia", "sasha"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]
SignIn = Callable[..., "Page"]
GID = "gid://shopify/AppPurchaseOneTime/42"


@dataclass
class Desk:
    """A colleague's browser, which counts what is pressed."""

    page: Page
    clicks: int = 0
    table: list[str] = field(default_factory=list)

    def search(self, text: str) -> None:
        """Type into the search, press Enter."""
        self.clicks += 1
        self.page.get_by_role("searchbox").fill(text)
        self.page.get_by_role("searchbox").press("Enter")

    def press(self, role: str, name: str) -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=name).first.click()

    def ask(
        self, question: str, text: str, answer: str, press: tuple[str, str] | None = None
    ) -> None:
        """From the start page: search, perhaps press something, read the answer."""
        self.page.goto("/staff/")
        self.clicks, began = 0, time.perf_counter()
        self.search(text)
        if press is not None:
            self.press(*press)
        expect(self.page.get_by_text(answer).first).to_be_visible()
        seconds = time.perf_counter() - began
        self.table.append(f"| {question} | {self.clicks} | {seconds:.1f} |")
        assert self.clicks <= 2, question


@pytest.fixture
def run(olivia: Merchant) -> Generation:
    """A run of Olivia's that failed by an error of ours; a package, a mail and a store besides."""
    run = working_run(olivia)
    run.requested_by = olivia.person
    run.save(update_fields=["requested_by"])
    lifecycle.fail(run, "platform_error", "Our storage failed.")
    now = timezone.now()
    shop = Shop.objects.create(
        domain="olivia-shop.myshopify.com", shopify_id="700001", account=olivia.account,
        installed_at=now,
    )  # fmt: skip
    Purchase.objects.create(
        shop=shop, gid=GID, name="Small package", handle="small", credits=500, price=5,
        created_at=now, status="ACTIVE", granted_at=now,
    )  # fmt: skip
    ledger.add_package(olivia.account.pk, 500, key=f"purchase:{GID}", reference=GID)
    Notice.objects.create(
        account=olivia.account, kind="low", key="k", subject="Your credits are low", text="",
        created_at=now, mailed_at=now,
    )  # fmt: skip
    return run


def test_ten_questions(olivia: Merchant, sasha: Person, run: Generation, sign_in: SignIn) -> None:
    desk = Desk(sign_in(sasha))
    mail, store = "olivia@example.com", "olivia-shop.myshopify.com"

    desk.ask("Where did my 20 credits go?", mail, "Used: Background Removal")
    desk.ask("Why did my run fail?", str(run.pk), "Our storage failed.")
    desk.ask("Do I get its credits back?", str(run.pk)[:13], "Waiting for a decision")
    desk.ask("Who of us made it?", str(run.pk), "Olivia")
    desk.ask("Was my package credited?", GID, "Charge: Small package")
    desk.ask("Why is my trial's hundred gone?", mail, "Expired")
    desk.ask("When does my plan run out?", store, "runs until")
    desk.ask("Did you mail me?", store, "Your credits are low")
    check = ("button", "Check this account's ledger")
    desk.ask("Is my balance right?", mail, "In step: 5 entries", check)
    see = ("button", "See as merchant")
    desk.ask("What do you see on my page?", mail, "Nothing can be changed.", see)

    sys.stdout.write("\n".join(["", *desk.table, ""]))
    assert len(desk.table) == 10
