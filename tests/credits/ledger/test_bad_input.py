"""Whatever does not make sense is refused with a sentence, and nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import models, transaction

from credits import ledger, queries
from credits.models import Account, DailyUsage, EntryNote, LedgerEntry, LowCreditAlert, Plan
from tests.credits.ledger.books import CYCLE, DAY, OPENED, STAFF, open_loom

pytestmark = pytest.mark.django_db

LEDGER_TABLES: list[type[models.Model]] = [
    Account, LedgerEntry, DailyUsage, EntryNote, LowCreditAlert,
]  # fmt: skip
NAIVE = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 - that is what is refused
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)

NOT_AN_AMOUNT = [
    0, -1, -(10**30), 1.0, 0.5, 20.5, float("nan"), float("inf"), "20", "", None, True, False,
    Decimal(20), Fraction(20), [20], 20 + 0j, b"20",
]  # fmt: skip
NOT_AN_ACCOUNT = [0, -1, 10**30, None, "", "loom", "1", True, 1.0, b"1", object]
NOT_A_KEY = ["", "k" * 201, "nul\x00", "auto:expire:2", None, 7, b"key", ["key"]]
NOT_AN_INSTANT = [NAIVE, NAIVE.date(), "2026-03-02T09:30:00Z", 1_772_443_800, END_OF_TIME,
                  BEGINNING_OF_TIME]  # fmt: skip
NOT_A_PLAN = ["", "Starter", "no-such-plan", "p" * 10_000, "nul\x00", None, 3, object]


@pytest.fixture
def loom():
    """A shop with a spend, and a watch that nothing is written to any table of the ledger."""
    shop = open_loom()
    ledger.spend(shop.pk, 20, "run", now=OPENED)
    tables = {
        model: list(model._default_manager.order_by("pk").values()) for model in LEDGER_TABLES
    }
    yield shop
    for model, rows in tables.items():
        assert list(model._default_manager.order_by("pk").values()) == rows


def spend_of(shop):
    return LedgerEntry.objects.get(account=shop, kind="spend")


@pytest.mark.parametrize("amount", NOT_AN_AMOUNT, ids=repr)
def test_amounts_that_are_no_positive_whole_numbers(loom, amount):
    for ask in (
        lambda: ledger.spend(loom.pk, amount, "k", now=OPENED),
        lambda: ledger.spend_many(loom.pk, [(5, "a"), (amount, "b")], now=OPENED),
        lambda: ledger.add_package(loom.pk, amount, key="k", now=OPENED),
    ):
        with pytest.raises(ValueError, match="positive whole numbers"):
            ask()


@pytest.mark.parametrize("amount", [10**9 + 1, 2**63, 10**30])
def test_one_entry_adds_no_more_than_a_thousand_million(loom, amount):
    for ask in (
        lambda: ledger.add_package(loom.pk, amount, key="k", now=OPENED),
        lambda: ledger.adjust(loom.pk, "plan", amount, key="k", now=OPENED, **STAFF),
        lambda: ledger.start_plan_period(
            loom.pk, "starter", OPENED, OPENED + CYCLE, key="k", now=OPENED, allocation=amount
        ),
    ):
        with pytest.raises(ValueError, match="at most"):
            ask()


@pytest.mark.parametrize("amount", [10**9 + 1, 2**63, 10**30])
def test_a_huge_spend_is_simply_not_covered(loom, amount):
    with pytest.raises(ledger.InsufficientCredits) as refused:
        ledger.spend(loom.pk, amount, "k", now=OPENED)
    assert refused.value.short_by == amount - 80
    with pytest.raises(ledger.InsufficientCredits):
        ledger.spend_many(loom.pk, [(amount, "a"), (amount, "b")], now=OPENED)


@pytest.mark.parametrize("credits", [0, 1.0, 0.5, "5", None, True, Decimal(5)], ids=repr)
def test_adjustments_that_are_no_whole_numbers_or_nothing(loom, credits):
    with pytest.raises(ValueError, match="whole number other than 0"):
        ledger.adjust(loom.pk, "plan", credits, key="k", now=OPENED, **STAFF)


@pytest.mark.parametrize("account", NOT_AN_ACCOUNT, ids=repr)
def test_unknown_accounts(loom, account):
    period = (OPENED, OPENED + CYCLE)
    for ask in (
        lambda: ledger.spend(account, 5, "k", now=OPENED),
        lambda: ledger.spend_many(account, [(5, "k")], now=OPENED),
        lambda: ledger.add_package(account, 5, key="k", now=OPENED),
        lambda: ledger.start_plan_period(account, "starter", *period, key="k", now=OPENED),
        lambda: ledger.grant_plan(account, "starter", OPENED, key="k", now=OPENED, **STAFF),
        lambda: ledger.adjust(account, "plan", 5, key="k", now=OPENED, **STAFF),
        lambda: ledger.settle(account, now=OPENED),
        lambda: queries.get_balance(account, now=OPENED),
        lambda: queries.balance_at(account, OPENED),
    ):
        with pytest.raises(ledger.UnknownAccount):
            ask()


def test_what_is_merely_equal_to_an_accounts_id_is_none():
    """PostgreSQL would take True, "1" and 1.0 for 1."""
    first = Account.objects.filter(pk=1).first() or Account.objects.create(pk=1, opened_at=OPENED)

    for account in (True, "1", 1.0, b"1", Decimal(1)):
        with pytest.raises(ledger.UnknownAccount):
            queries.get_balance(account, now=OPENED)
        with pytest.raises(ledger.UnknownAccount):
            queries.balance_at(account, OPENED)
    assert queries.get_balance(first.pk, now=OPENED).total == 0


@pytest.mark.parametrize("key", NOT_A_KEY, ids=repr)
def test_keys_that_are_none(loom, key):
    spent = spend_of(loom)
    for ask in (
        lambda: ledger.spend(loom.pk, 5, key, now=OPENED),
        lambda: ledger.spend_many(loom.pk, [(5, key)], now=OPENED),
        lambda: ledger.add_package(loom.pk, 5, key=key, now=OPENED),
        lambda: ledger.restore(spent.pk, key=key, now=OPENED, **STAFF),
        lambda: ledger.adjust(loom.pk, "plan", 5, key=key, now=OPENED, **STAFF),
    ):
        with pytest.raises(ValueError, match=r"[Kk]ey"):
            ask()


@pytest.mark.parametrize("instant", NOT_AN_INSTANT, ids=repr)
def test_instants_that_are_naive_or_none(loom, instant):
    period = (OPENED, OPENED + CYCLE)
    spent = spend_of(loom)
    for ask in (
        lambda: ledger.open_account(now=instant),
        lambda: ledger.spend(loom.pk, 5, "k", now=instant),
        lambda: ledger.spend_many(loom.pk, [(5, "k")], now=instant),
        lambda: ledger.add_package(loom.pk, 5, key="k", now=instant),
        lambda: ledger.start_plan_period(loom.pk, "starter", *period, key="k", now=instant),
        lambda: ledger.start_plan_period(loom.pk, "starter", instant, OPENED, key="k", now=OPENED),
        lambda: ledger.start_plan_period(loom.pk, "starter", OPENED, instant, key="k", now=OPENED),
        lambda: ledger.grant_plan(loom.pk, "starter", instant, key="k", now=OPENED, **STAFF),
        lambda: ledger.grant_plan(loom.pk, "starter", OPENED, key="k", now=instant, **STAFF),
        lambda: ledger.restore(spent.pk, key="k", now=instant, **STAFF),
        lambda: ledger.adjust(loom.pk, "plan", 5, key="k", now=instant, **STAFF),
        lambda: queries.get_balance(loom.pk, now=instant),
        lambda: queries.balance_at(loom.pk, instant),
    ):
        with pytest.raises(ValueError, match=r"aware datetime|beyond the calendar"):
            ask()


@pytest.mark.parametrize("plan", NOT_A_PLAN, ids=lambda plan: repr(plan)[:20])
def test_unknown_plans(loom, plan):
    for ask in (
        lambda: ledger.start_plan_period(
            loom.pk, plan, OPENED, OPENED + CYCLE, key="k", now=OPENED
        ),
        lambda: ledger.grant_plan(loom.pk, plan, OPENED, key="k", now=OPENED, **STAFF),
    ):
        with pytest.raises(ValueError, match="plan"):
            ask()


def test_plans_that_are_not_stored(loom):
    never_saved = Plan(handle="starter", name="Starter", price_usd=19, credits=3_000)
    deleted = Plan.objects.create(handle="old", name="Old", price_usd=9, credits=900)
    Plan.objects.filter(pk=deleted.pk).delete()
    for plan in (never_saved, deleted):
        for ask in (
            lambda plan=plan: ledger.start_plan_period(
                loom.pk, plan, OPENED, OPENED + CYCLE, key="k", now=OPENED
            ),
            lambda plan=plan: ledger.grant_plan(
                loom.pk, plan, OPENED, key="k", now=OPENED, **STAFF
            ),
        ):
            with transaction.atomic(), pytest.raises(ledger.UnknownPlan):
                ask()


@pytest.mark.parametrize("bucket", ["", "Plan", "trial", "both", None, 1, ["plan"]], ids=repr)
def test_unknown_buckets(loom, bucket):
    with pytest.raises(ValueError, match="bucket"):
        ledger.adjust(loom.pk, bucket, 5, key="k", now=OPENED, **STAFF)


@pytest.mark.parametrize("spend_id", [0, -1, 10**30, 2**62, None, "1", True, 1.0], ids=repr)
def test_unknown_spends(loom, spend_id):
    with pytest.raises(ledger.UnknownSpend):
        ledger.restore(spend_id, key="k", now=OPENED, **STAFF)


@pytest.mark.parametrize(
    ("actor", "reason"),
    [("", "why"), ("who", ""), ("  ", "why"), ("who", " \n"), (None, "why"), ("who", None),
     ("w" * 101, "why"), ("who", "y" * 2001), ("who\x00", "why")],
)  # fmt: skip
def test_a_correction_without_who_or_why(loom, actor, reason):
    spent = spend_of(loom)
    for ask in (
        lambda: ledger.restore(spent.pk, "k", actor, reason, now=OPENED),
        lambda: ledger.adjust(loom.pk, "plan", 5, "k", actor, reason, now=OPENED),
        lambda: ledger.grant_plan(loom.pk, "starter", OPENED, "k", actor, reason, now=OPENED),
    ):
        with pytest.raises(ValueError, match=r"actor|reason|Who decided"):
            ask()


@pytest.mark.parametrize(
    "texts",
    [
        {"tool": "t" * 61}, {"tool": None}, {"tool": "t\x00"}, {"reference": "r" * 201},
        {"reference": 7}, {"actor": "a" * 101}, {"actor": None},
    ],
    ids=repr,
)  # fmt: skip
def test_texts_that_are_too_long_or_none(loom, texts):
    with pytest.raises(ValueError, match="text of at most"):
        ledger.spend(loom.pk, 5, "k", now=OPENED, **texts)


@pytest.mark.parametrize("item", [(), (5,), (5, "k", "", "", "more"), 5, None], ids=repr)
def test_items_of_another_shape(loom, item):
    with pytest.raises(ValueError, match="item"):
        ledger.spend_many(loom.pk, [(5, "a"), item], now=OPENED)


@pytest.mark.parametrize("text", ["\ud800", "run-\udfff", "nul\x00"], ids=ascii)
def test_a_text_that_no_database_can_store(loom, text):
    spent, good = spend_of(loom), {"actor": "staff:7", "reason": "why", "now": OPENED}
    for ask in (
        lambda: ledger.open_account(text, now=OPENED),
        lambda: ledger.spend(loom.pk, 5, text, now=OPENED),
        lambda: ledger.spend(loom.pk, 5, "k", tool=text, now=OPENED),
        lambda: ledger.spend(loom.pk, 5, "k", reference=text, now=OPENED),
        lambda: ledger.spend(loom.pk, 5, "k", actor=text, now=OPENED),
        lambda: ledger.spend_many(loom.pk, [(5, "k"), (5, text)], now=OPENED),
        lambda: ledger.add_package(loom.pk, 5, key="k", reference=text, now=OPENED),
        lambda: ledger.grant_plan(loom.pk, "starter", OPENED, key="k", **good | {"reason": text}),
        lambda: ledger.restore(spent.pk, key="k", **good | {"reason": text}),
        lambda: ledger.adjust(loom.pk, "plan", 5, key="k", **good | {"actor": text}),
        lambda: ledger.adjust(loom.pk, "plan", 5, key="k", **good | {"reason": text}),
    ):
        # The caller's transaction goes on: nothing was written before the refusal.
        with transaction.atomic(), pytest.raises(ValueError, match="is a text of"):
            ask()


@pytest.mark.parametrize(
    "zone", ["", "Berlin", "Europe/Nowhere", "Europe", "CET", "EST", "../etc/passwd", "/", None, 1]
)
def test_zones_that_there_are_not(loom, zone):
    with pytest.raises(ValueError, match="time zone"):
        ledger.open_account("Loom & Linen", now=OPENED, time_zone=zone)


@pytest.mark.parametrize("name", ["n" * 201, None, "nul\x00"])
def test_names_that_are_none(loom, name):
    with pytest.raises(ValueError, match="name"):
        ledger.open_account(name, now=OPENED)


def test_an_adjustment_below_zero(loom):
    with pytest.raises(ledger.InsufficientCredits):
        ledger.adjust(loom.pk, "package", -1, key="k", now=OPENED, **STAFF)


@pytest.mark.parametrize("now", [OPENED, OPENED + 3 * DAY])
def test_another_shops_balance_pays_nothing(loom, now):
    stranger = ledger.open_account("Stranger", trial=False, now=OPENED)
    try:
        with pytest.raises(ledger.InsufficientCredits):
            ledger.spend(stranger.pk, 5, "k", now=now)
    finally:
        stranger.delete()
