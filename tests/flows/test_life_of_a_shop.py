"""Fourteen months of a store, on the fake Shopify, with nudges lost, doubled, late and reordered.

The story is always the same; what differs is how the app hears of it. The expectation is written by
hand. Time is the business clock of both sides; every line of the story happens on its day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import urlsplit

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits import ledger
from credits.ledger import checks
from credits.models import LedgerEntry
from ecomvance_app import clock
from shopify_auth import tasks
from shopify_auth.billing import sweeps
from shopify_auth.devstore import webhooks
from shopify_auth.devstore.state import Delivery
from shopify_auth.models import BillingCheck, BillingDifference, Purchase, Subscription
from shopify_auth.webhooks import inbox
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

DAY = timedelta(days=1)
Step = Callable[[], object]
Charge = Subscription | Purchase
LIFE = 426
stores = count(810_001)

# Day, kind, plan part, package part, and for a plan's credits the day on which they expire.
EXPECTED = [
    (0, "trial_grant", 100, 0, 1),
    (0, "spend", -60, 0, None),
    (1, "expire", -40, 0, None),
    (3, "trial_grant", 100, 0, 4),
    (3, "spend", -30, 0, None),
    (4, "expire", -70, 0, None),
    # Starter during the trial: the trial ends.
    (5, "trial_grant", 100, 0, 6),
    (5, "expire", -100, 0, None),
    (5, "plan_grant", 3_000, 0, 35),
    (6, "spend", -1_000, 0, None),
    (8, "package", 0, 500, None),
    # Growth on day 10: the difference, to the same billing date.
    (10, "plan_grant", 5_500, 0, 35),
    (12, "spend", -7_500, -300, None),
    (35, "plan_grant", 8_500, 0, 65),
    (50, "spend", -500, 0, None),
    # Day 65 cannot be paid: the plan is frozen until day 70.
    (65, "expire", -8_000, 0, None),
    (67, "spend", 0, -50, None),
    (70, "plan_grant", 8_500, 0, 95),
    # The downgrade of day 75 begins with the next period.
    (95, "expire", -8_500, 0, None),
    (95, "plan_grant", 3_000, 0, 125),
    (125, "expire", -3_000, 0, None),
    (125, "plan_grant", 3_000, 0, 155),
    (155, "expire", -3_000, 0, None),
    (155, "plan_grant", 3_000, 0, 185),
    # Nobody looked from day 160 to day 226: of the periods since, the running one is granted.
    (185, "expire", -3_000, 0, None),
    (215, "plan_grant", 3_000, 0, 245),
    # Cancelled on day 230, usable to day 245.
    (231, "spend", -100, 0, None),
    (245, "expire", -2_900, 0, None),
    (250, "package", 0, 5_000, None),
    (255, "plan_grant", 18_000, 0, 285),
    # Uninstalled on day 260, back on day 261, Pro again on day 262: that period is paid already.
    (263, "spend", -1_000, 0, None),
    (285, "expire", -17_000, 0, None),
    (285, "plan_grant", 18_000, 0, 315),
    (300, "plan_grant", 30_000, 0, 315),
    (315, "expire", -48_000, 0, None),
    (315, "plan_grant", 48_000, 0, 345),
    (345, "expire", -48_000, 0, None),
    (345, "plan_grant", 48_000, 0, 375),
    (375, "expire", -48_000, 0, None),
    (375, "plan_grant", 48_000, 0, 405),
    (405, "expire", -48_000, 0, None),
    (405, "plan_grant", 48_000, 0, 435),
    (420, "package", 0, 500, None),
]


@dataclass
class Life:
    """One store from its first day, and what reaches the app of what happens to it."""

    owner: Owner
    devstore: DevStore
    born: datetime = field(init=False)
    day: int = 0

    def __post_init__(self) -> None:
        self.born = self.owner.account.opened_at

    def live(self) -> list[tuple[int, list[Step]]]:
        """The story: on which day what happens, step by step."""
        owner = self.owner
        return [
            (0, [lambda: self.spend(60)]),
            (3, [lambda: self.spend(30)]),
            (5, self.choose(owner.subscribe, "starter")),
            (6, [lambda: self.spend(1_000)]),
            (8, self.choose(owner.buy, "small")),
            (10, self.choose(owner.subscribe, "growth")),
            (12, [lambda: self.spend(7_800)]),
            (36, []),
            (40, self.choose(owner.buy, "medium", "decline")),
            (45, self.choose(owner.buy, "xl", "")),
            (50, [lambda: self.spend(500)]),
            (55, [lambda: self.devstore.misbehave(handle=owner.handle, renewal_unpaid=1)]),
            (66, []),
            (67, [lambda: self.spend(50)]),
            (70, [lambda: self.devstore.press("recover", owner.handle)]),
            (75, self.choose(owner.subscribe, "starter")),
            (96, []),
            (126, []),
            (160, []),
            (226, []),
            (230, [owner.cancel]),
            (231, [lambda: self.spend(100)]),
            (246, []),
            (250, self.choose(owner.buy, "large")),
            (255, self.choose(owner.subscribe, "pro")),
            (260, [lambda: self.devstore.press("uninstall", owner.handle)]),
            (261, [self.come_back]),
            (262, self.choose(owner.subscribe, "pro")),
            (263, [lambda: self.spend(1_000)]),
            (286, []),
            (300, self.choose(owner.subscribe, "scale")),
            (316, []),
            (346, []),
            (376, []),
            (406, []),
            (420, self.choose(owner.buy, "small")),
        ]

    def choose(
        self, ask: Callable[[str, str], Charge], handle: str, decision: str = "approve"
    ) -> list[Step]:
        """Ask for a plan or package in the app, and decide about it on Shopify's page."""
        rows: list[Charge] = []
        steps: list[Step] = [lambda: rows.append(ask(handle, ""))]
        if decision:
            steps.append(lambda: self.owner.decide(rows[0], decision))
        return steps

    def spend(self, credits: int) -> None:
        ledger.spend(self.owner.account.pk, credits, f"run on day {self.day}")

    def come_back(self) -> None:
        """Install again and open the app a little later, whose old access is dead."""
        self.devstore.press("install", self.owner.handle)
        self.devstore.move_clock(minutes=5)
        self.owner.open("/")
        self.owner.fetch("/plans/content")
        self.owner.open("/")
        self.owner.fetch("/plans/content")

    def wait_until(self, day: int) -> None:
        """Within the hour the scheduler runs; then time passes for both sides, and it runs again."""
        self.devstore.move_clock(hours=1)
        run_schedule()
        self.day = day
        passing = self.born + day * DAY - clock.now()
        self.devstore.move_clock(seconds=max(0.0, passing.total_seconds()))
        ledger.settle(self.owner.account.pk)
        run_schedule()

    def decide(self, row: Charge, decision: str, *, comes_back: bool) -> None:
        """On Shopify's page; the browser may be closed before it is back in the app."""
        if not decision:
            return
        back = self.owner.decide(row, decision)
        if comes_back and "/billing/return/" in back:
            Client().get(urlsplit(back).path)

    def statuses(self, model: type[Subscription] | type[Purchase]) -> list[tuple[str, str]]:
        """How every plan or package that was asked for has ended so far."""
        rows = model.objects.filter(shop=self.owner.shop)
        return sorted((row.handle, row.status) for row in rows)

    # --- What reaches the app ----------------------------------------------------------------

    def endure(self, storm: list[tuple[str, list[int]]]) -> None:
        """Everything that happens to reach the app now."""
        for kind, order in storm:
            self.nudge(kind, order)

    def nudge(self, kind: str, order: list[int]) -> None:
        """One thing that may happen to the app at any time, any number of times."""
        if kind == "page":
            self.owner.fetch("/plans/content")
        elif kind == "down":
            self.devstore.misbehave(handle=self.owner.handle, locked_store=1)
            self.owner.fetch("/plans/content")
            self.devstore.misbehave(handle=self.owner.handle, locked_store=0)
        elif kind == "schedule":
            run_schedule()
        elif kind == "night":
            self.compare_at_night()
        elif kind == "return":
            for model in (Subscription, Purchase):
                for row in model.objects.filter(shop=self.owner.shop):
                    Client().get(f"/billing/return/{row.reference}?charge_id=1")
                    self.owner.fetch(f"/plans/confirmation/{row.reference}")
        else:
            self.deliver(order)

    def compare_at_night(self) -> None:
        """If nobody has compared the store this day."""
        if sweeps.send_comparisons(clock.now()):
            sweeps.compare(self.owner.shop.pk, clock.now())

    def deliver(self, order: list[int]) -> None:
        """Some of the webhooks so far, in any order, some of them twice, others never."""
        sent = self.devstore.deliveries(handle=self.owner.handle)
        for index in order:
            if sent:
                deliver(sent[-1 - index % min(len(sent), 8)])


def deliver(delivery: Delivery) -> None:
    """Shopify posts one webhook, and a worker handles it."""
    headers = webhooks.headers(delivery)
    response = Client().post(
        "/webhooks/shopify", delivery.body, headers["Content-Type"], headers=headers
    )
    assert response.status_code == 200
    inbox.handle(delivery.webhook_id)


def run_schedule() -> None:
    """What beat and worker do: everything that is due now."""
    now = clock.now()
    due = list(BillingCheck.objects.filter(due_at__lte=now).values_list("shop_id", flat=True))
    sweeps.send_due(now)
    for shop_id in due:
        tasks.reconcile_charges(shop_id=shop_id)


def open_store(devstore: DevStore) -> Owner:
    """A store that has just installed the app; nothing it sends arrives by itself."""
    clock.shift_file().unlink(missing_ok=True)
    number = next(stores)
    handle = f"life-{number}"
    with devstore.fake.store.change() as state:
        store = state.shops["second-demo"].model_copy(
            deep=True, update={"handle": handle, "number": number, "name": handle}
        )
        store.misbehaviour.webhook_lost = -1
        state.shops = {"second-demo": state.shops["second-demo"], handle: store}
        state.deliveries = []
    return Owner(devstore, f"{handle}.myshopify.com")


def told(life: Life) -> list[tuple[int, str, int, int, int | None]]:
    """The ledger in the form of the expectation; a grant counts from its period's start."""
    lines = []
    for entry in LedgerEntry.objects.filter(account=life.owner.account).order_by("sequence"):
        # Shopify tells times in whole seconds.
        day = (entry.created_at - life.born + timedelta(minutes=1)) // DAY
        ends = None
        if entry.period_end is not None:
            ends = round((entry.period_end - life.born) / DAY)
        if entry.kind == "plan_grant" and entry.period_start and entry.period_end:
            assert entry.period_start <= entry.created_at < entry.period_end
        lines.append((day, entry.kind, entry.plan_delta, entry.package_delta, ends))
    return lines


def without_days(lines):
    """The expectation says when a change was due; a late nudge books a grant a little later."""
    return [(kind, plan, package, ends) for _day, kind, plan, package, ends in lines]


NUDGES = st.sampled_from(["page", "down", "schedule", "night", "return", "webhooks"])
NUDGE = st.tuples(NUDGES, st.lists(st.integers(0, 7), max_size=4))
STORM = st.lists(NUDGE, max_size=3)
MANY_STEPS = 52
DECISIONS = st.sampled_from(["approve", "decline", ""])


@pytest.mark.timeout(600)
@pytest.mark.django_db
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(storms=st.lists(STORM, min_size=MANY_STEPS, max_size=MANY_STEPS))
def test_the_ledger_is_the_same_whatever_the_storm(devstore: DevStore, caplog, storms):
    caplog.set_level(logging.CRITICAL)
    life = Life(open_store(devstore), devstore)
    left = iter(storms)
    for day, steps in life.live():
        life.wait_until(day)
        for step in steps or [lambda: None]:
            step()
            life.endure(next(left))
    life.wait_until(LIFE)

    assert without_days(told(life)) == without_days(EXPECTED)
    for (day, kind, *_), (expected_day, *_rest) in zip(told(life), EXPECTED, strict=True):
        if kind in {"expire", "spend"}:
            assert day == expected_day
        else:
            assert expected_day <= day <= expected_day + 11
    balance = life.owner.account
    assert (balance.plan_balance, balance.package_balance) == (48_000, 5_650)
    assert list(checks.problems()) == []
    assert not BillingDifference.objects.exclude(kind="late").exists()
    assert life.statuses(Purchase) == [
        ("large", "ACTIVE"), ("medium", "DECLINED"),
        ("small", "ACTIVE"), ("small", "ACTIVE"), ("xl", "EXPIRED"),
    ]  # fmt: skip


@pytest.mark.timeout(600)
@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    decisions=st.lists(DECISIONS, min_size=5, max_size=5),
    order=st.permutations(range(4)),
    comes_back=st.lists(st.booleans(), min_size=5, max_size=5),
    storms=st.lists(st.lists(NUDGE, max_size=2), min_size=10, max_size=10),
)
def test_open_charges_are_decided_in_any_order(
    devstore: DevStore, caplog, decisions, order, comes_back, storms
):
    """Four charges wait for approval at once; a larger plan follows when all is decided or lapsed."""
    caplog.set_level(logging.CRITICAL)
    life = Life(open_store(devstore), devstore)
    owner, left = life.owner, iter(storms)
    rows: list[Charge] = []
    for ask, handle in [
        (owner.buy, "small"), (owner.buy, "medium"), (owner.subscribe, "starter"), (owner.buy, "xl"),
    ]:  # fmt: skip
        rows.append(ask(handle, ""))
        life.endure(next(left))
    for index in order:
        life.decide(rows[index], decisions[index], comes_back=comes_back[index])
        life.endure(next(left))
    life.wait_until(3)
    rows.append(owner.subscribe("growth", ""))
    life.endure(next(left))
    life.decide(rows[4], decisions[4], comes_back=comes_back[4])
    life.endure(next(left))
    life.wait_until(7)

    ends = {"approve": "ACTIVE", "decline": "DECLINED", "": "EXPIRED"}
    small, medium, starter, xl, growth = (ends[decision] for decision in decisions)
    bought = {"small": (500, small), "medium": (1_500, medium), "xl": (15_000, xl)}
    assert life.statuses(Purchase) == sorted((name, status) for name, (_, status) in bought.items())
    paid = sorted(credits for credits, status in bought.values() if status == "ACTIVE")
    assert sorted(entry[2] for entry in owner.ledger() if entry[0] == "package") == paid
    upgraded = (starter, growth) == ("ACTIVE", "ACTIVE")
    assert life.statuses(Subscription) == [
        ("growth", growth), ("starter", "CANCELLED" if upgraded else starter),
    ]  # fmt: skip
    granted = [3_000] if starter == "ACTIVE" else []
    granted += [5_500 if upgraded else 8_500] if growth == "ACTIVE" else []
    assert [entry[1] for entry in owner.ledger() if entry[0] == "plan_grant"] == granted
    assert owner.account.package_balance == sum(paid)
    assert list(checks.problems()) == []
