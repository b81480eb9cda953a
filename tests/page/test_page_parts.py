"""Open pages stay true: what changes on a page when a source changes is a part that follows it.

The table is walked. Everything that can happen to an account is made to happen, and every page is
read before and after: a text that has changed has to stand in a part which follows one of the sources
that were announced, and each line of the table has to be needed by something that happens.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test.html import Element
from django.utils import timezone

from credits import ledger
from credits.accounts import alerts, recipients
from credits.models import Account, AlertRecipient, LedgerEntry, RestorationCase
from credits.outcomes import cases
from ecomvance_app import live
from ecomvance_app.page.page_parts import PARTS, SHELL
from generations import products
from generations.assist import answers
from generations.models import Approval, Batch, Conversation, Generation
from generations.runs import approvals, batches, lifecycle
from generations.runs.orders import Order, Requester
from shopify_auth.models import Shop, Subscription
from tests.generations.mug_store import OneMug, ask
from tests.merchants import Merchant
from tests.page_reading import attribute, every, read_page, words

pytestmark = pytest.mark.django_db

# A run that works fetches its own element by its own event.
RUN = re.compile(r"run-[0-9a-f-]{36}$")
WORKING = "a run that works"
FOLLOWS = {**PARTS, WORKING: ("runs",)}
READ_ALOUD = ("aria-label", "title", "alt", "value", "max", "href", "hidden")
UNSTEADY = re.compile(r"/(?:files|product-photos)/[^\"\s]+|[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[None]:
    settings.PRODUCT_SOURCE = "tests.generations.mug_store.OneMug"
    products._source.cache_clear()
    yield
    products._source.cache_clear()


@dataclass
class World:
    """Olivia's account in the middle of its life, and the nudges that left."""

    owner: Merchant
    nudges: set[str]

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.owner.account.pk)

    def texts(self) -> dict[str, dict[str, str]]:
        """What every page reads, by part."""
        return {path: self._read(path) for path in self._paths()}

    def _paths(self) -> list[str]:
        entries = LedgerEntry.objects.filter(account=self.owner.account, kind="spend")
        return [
            "", "tools", "tools/background-removal", "gallery", "usage", "usage/ledger", "plans",
            *(f"assist/{talk.pk}" for talk in Conversation.objects.all()),
            "batches", f"batches/{Batch.objects.get().pk}",
            f"batches/{Batch.objects.get().pk}/review",
            "approvals", f"approvals/{Approval.objects.earliest('created_at').pk}",
            *(f"runs/{run.pk}" for run in Generation.objects.filter(batch=None).order_by("created_at")[:2]),
            *(f"usage/ledger/{entry.sequence}" for entry in entries.order_by("sequence")[:2]),
        ]  # fmt: skip

    def _read(self, path: str) -> dict[str, str]:
        body = read_page(self.owner.client.get(f"/dashboard/{path}"))
        texts: dict[str, list[str]] = defaultdict(list)
        _collect(body, "", texts)
        return {part: " ".join(" ".join(words).split()) for part, words in texts.items()}


def _collect(element: Element, part: str, texts: dict[str, list[str]]) -> None:
    """Every text that is seen or read aloud, by the innermost part it stands in."""
    for child in element.children:
        if not isinstance(child, Element):
            texts[part].append(str(child))
            continue
        if _is_skipped(child):
            continue
        own = attribute(child, "data-part")
        if RUN.match(attribute(child, "id")):
            own = WORKING
        texts[own or part] += _read_aloud(child)
        # Live figures follow the balance by themselves.
        if not attribute(child, "data-balance"):
            _collect(child, own or part, texts)


def _is_skipped(element: Element) -> bool:
    """Keys and tokens of forms, and a form that a person is filling in."""
    is_secret = attribute(element, "name") in {"csrfmiddlewaretoken", "key"}
    return is_secret or "data-unsaved-guard" in dict(element.attributes)


def _read_aloud(element: Element) -> list[str]:
    names = [one for one in READ_ALOUD if (element.name, one) != ("progress", "value")]
    texts = (UNSTEADY.sub("", attribute(element, name)) for name in names)
    return [f"[{text}]" for text in texts if text]


@pytest.fixture
def world(
    owner: Merchant, time_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> World:  # fmt: skip
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    shop = Shop.objects.create(
        domain="olivia.myshopify.com", account=owner.account, installed_at=now
    )
    end = now + timedelta(days=30)
    Subscription.objects.create(
        shop=shop, status="ACTIVE", name="Starter plan", handle="starter", credits=3000, price=19,
        gid="gid://shopify/AppSubscription/1", created_at=now, granted_until=end,
    )  # fmt: skip
    ledger.start_plan_period(owner.account.pk, "starter", now, end, key="period", now=now)
    ask(owner.client, key="first")
    ask(owner.client, key="second")
    _fail(Generation.objects.order_by("spend__sequence")[1], "platform_error")
    _ask_an_owner(owner.account, "before")
    _place_a_batch(owner.account)
    for one in range(6):  # A pace, so that there is a forecast.
        ledger.spend(owner.account.pk, 1, f"pace-{one}", tool="image-enhance")
    list(answers.ask(owner.account, None, "", "Cut out the enamel mug", now).events)
    nudges: set[str] = set()
    monkeypatch.setattr(live._sender, "add", lambda nudge: nudges.add(nudge[1]))
    return World(owner, nudges)


def _fail(run: Generation, outcome: str) -> None:
    started = lifecycle.start(str(run.pk))
    assert started is not None
    lifecycle.fail(started, outcome, "It failed.")


def _place_a_batch(account: Account) -> None:
    orders = [Order(batches.TOOL, "1K", product_id=OneMug.mug.id)] * 4
    three_first = batches.Together(three_first=True)
    batches.place(Requester(account.pk, None, "web"), orders, "batch", together=three_first)


def _ask_an_owner(account: Account, key: str) -> None:
    order = Order("background-removal", product_id=OneMug.mug.id)
    approvals.keep(Requester(account.pk, None, "web"), order, key)


def asks_an_owner(world: World) -> None:
    _ask_an_owner(world.owner.account, "another")


def declines_what_is_asked(world: World) -> None:
    asked = Approval.objects.earliest("created_at")
    approvals.decline(world.owner.account.pk, asked.pk, world.owner.person.pk)


def spends_nearly_all(world: World) -> None:
    ledger.spend(world.owner.account.pk, 2_794, "much", tool="veo-t2v")


def buys_a_package(world: World) -> None:
    ledger.add_package(world.owner.account.pk, 500, key="package")


def takes_a_larger_plan(world: World) -> None:
    account, now = world.owner.account, timezone.now()
    end = now + timedelta(days=30)
    ledger.start_plan_period(account.pk, "growth", now, end, key="larger", now=now)


def moves_the_threshold(world: World) -> None:
    alerts.set_threshold(world.owner.account.pk, 2_990)


def gives_a_spend_back(world: World) -> None:
    spend = RestorationCase.objects.get().spend
    ledger.restore(spend.pk, "restore", "staff:9", "Our fault")


def adjusts(world: World) -> None:
    ledger.adjust(world.owner.account.pk, "package", 30, "adjust", "staff:9", "Goodwill")


def cancels_the_plan(world: World) -> None:
    Subscription.objects.update(status="CANCELLED", ended_at=timezone.now())
    live.publish(world.owner.account.pk, "plan")


def leaves_the_bill_unpaid(world: World) -> None:
    Subscription.objects.update(status="FROZEN")
    live.publish(world.owner.account.pk, "plan")


def begins_a_run(world: World) -> None:
    lifecycle.start(str(_queued().pk))


def fails_a_run(world: World) -> None:
    _fail(_queued(), "provider_error")


def fails_an_item_of_a_batch(world: World) -> None:
    _fail(
        Generation.objects.filter(batch__isnull=False).order_by("batch_item__position")[0],
        "timeout",
    )


def declines_the_case(world: World) -> None:
    cases.decline(RestorationCase.objects.get(), world.owner.person, "No", timezone.now())


def agrees_to_mails(world: World) -> None:
    asked = AlertRecipient.objects.create(account=world.owner.account, email="o@example.com")
    recipients.confirm(recipients._token(asked))


def _queued() -> Generation:
    return Generation.objects.get(state="queued", batch=None)


HAPPENINGS: tuple[Callable[[World], None], ...] = (
    spends_nearly_all, buys_a_package, takes_a_larger_plan, moves_the_threshold, gives_a_spend_back, adjusts,
    cancels_the_plan, leaves_the_bill_unpaid, begins_a_run, fails_a_run, declines_the_case,
    asks_an_owner, declines_what_is_asked, agrees_to_mails, fails_an_item_of_a_batch,
)  # fmt: skip


# Their lines are shown by the end of a trial, in a test of its own.
OF_THE_TRIAL = ["balance-button", "balance-details"]
LINES = {(part, source) for part, sources in PARTS.items() for source in sources}


def test_the_table_holds_whatever_happens(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    before, needed = world.texts(), set()
    for happening in HAPPENINGS:
        world.nudges.clear()
        with transaction.atomic():
            with django_capture_on_commit_callbacks(execute=True):
                happening(world)
            after = world.texts()
            transaction.set_rollback(True)
        (source,) = {"runs" if one == "generation" else one for one in world.nudges}
        for path in before:
            for part in before[path].keys() | after[path].keys():
                if before[path].get(part) == after[path].get(part):
                    continue
                what = f"{happening.__name__}: {part or 'a text in no part'} of /{path}"
                assert source in FOLLOWS.get(part, ()), f"{what} does not follow {source}"
                needed.add((part, source))

    needed |= {(part, "balance") for part in OF_THE_TRIAL}
    assert needed >= LINES, f"Nothing shows the need for {LINES - needed}"


def test_the_trials_day_goes_with_the_trial(second_shop: Merchant) -> None:
    def read() -> dict[str, str]:
        page = read_page(second_shop.client.get("/dashboard/"))
        return {part: words(next(every(page, **{"data-part": part}))) for part in OF_THE_TRIAL}

    assert [part for part, text in read().items() if "day 1 of 7" in text.lower()] == OF_THE_TRIAL
    now = timezone.now()
    end = now + timedelta(days=30)
    ledger.start_plan_period(second_shop.account.pk, "starter", now, end, key="period", now=now)

    assert [part for part, text in read().items() if "of 7" in text] == []


def test_the_answer_for_the_shell_has_its_parts(world) -> None:
    page = world.owner.client.get("/dashboard/banner").content.decode()

    assert {part for part in PARTS if f'data-part="{part}"' in page} == SHELL
