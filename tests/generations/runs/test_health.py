"""An outage pauses a tool, gives back what waits and ends by a probe; staff switch and cap engines."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry
from generations import tasks
from generations.engines import registry
from generations.engines.base import ContentPolicyError, ProviderError
from generations.models import EngineHealth, EngineSwitch, Generation, UsagePrice
from generations.runs import health, request
from generations.runs.orders import Order, Requester
from generations.runs.quote import RunRefused
from tests.generations.engine import Engine, picture_result
from tests.merchants import Merchant, make_merchant

TOOL = "nano-banana-t2i"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: object) -> Engine:
    """A provider of pictures."""
    settings.GEMINI_API_KEY = "key"  # type: ignore[attr-defined]
    engine = Engine(name="google")
    for tool in (TOOL, "nano-banana-i2i"):
        monkeypatch.setitem(registry.GOOGLE, tool, engine)
    return engine


@pytest.fixture
def sam(db: None) -> Merchant:
    return make_merchant("Sam")


def place(merchant: Merchant, key: str) -> Generation:
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    if merchant.total < 50:
        ledger.add_package(merchant.account.pk, 1000, f"pkg {key}")
    return request.place(requester, Order(TOOL, "1K", prompt="A mug"), key)[0]


def work(run: Generation) -> Generation:
    tasks.call(generation_id=str(run.pk))
    run.refresh_from_db()
    return run


def fail(merchants: list[Merchant], times: int = 5) -> None:
    for number in range(times):
        work(place(merchants[number % len(merchants)], f"fails {number}"))


OUTAGE = ProviderError("The image service failed.", outage=True)


def test_an_outage_pauses_the_tool_and_gives_back_what_waits(
    owner: Merchant, sam: Merchant, provider: Engine
) -> None:
    waiting = place(owner, "waits")
    provider.error = OUTAGE

    fail([owner, sam], 4)
    assert health.route(TOOL).unavailable_reason is None
    work(place(sam, "fifth"))

    waiting.refresh_from_db()
    assert (waiting.state, waiting.outcome) == ("cancelled", "cancelled_in_queue")
    restored = LedgerEntry.objects.filter(kind="restore").values_list("restores", flat=True)
    assert list(restored) == [waiting.spend_id]
    assert "paused" in (health.route(TOOL).unavailable_reason or "")
    assert health.route("nano-banana-i2i").unavailable_reason is None
    with pytest.raises(RunRefused, match="outage"):
        place(sam, "refused")


def test_one_merchants_failures_are_no_outage(owner: Merchant, provider: Engine) -> None:
    provider.error = OUTAGE

    fail([owner], 8)

    assert health.route(TOOL).unavailable_reason is None


@pytest.mark.parametrize(
    "error", [ContentPolicyError("Refused."), ProviderError("No picture came out.")]
)
def test_what_is_wrong_with_one_job_is_no_outage(
    owner: Merchant, sam: Merchant, provider: Engine, error: Exception
) -> None:
    provider.error = error

    fail([owner, sam], 8)

    assert health.route(TOOL).unavailable_reason is None


def test_a_success_between_is_a_new_beginning(
    owner: Merchant, sam: Merchant, provider: Engine
) -> None:
    provider.error = OUTAGE
    fail([owner, sam], 4)
    provider.error = None
    assert work(place(owner, "well")).state == "succeeded"
    provider.error = OUTAGE

    work(place(sam, "one more"))

    assert health.route(TOOL).unavailable_reason is None


def test_it_opens_when_a_probe_comes_through(
    owner: Merchant, sam: Merchant, provider: Engine
) -> None:
    provider.error = OUTAGE
    fail([owner, sam])
    balances = owner.total, sam.total

    def probe() -> None:
        EngineHealth.objects.update(probe_at=timezone.now() - timedelta(seconds=1))
        tasks.probe()

    probe()
    assert health.route(TOOL).unavailable_reason is not None
    provider.error = None
    probe()

    assert health.route(TOOL).unavailable_reason is None
    assert (owner.total, sam.total) == balances
    assert provider.jobs[-1].prompt


def test_a_probe_waits_longer_each_time(owner: Merchant, sam: Merchant, provider: Engine) -> None:
    provider.error = OUTAGE
    fail([owner, sam])
    runs = provider.runs

    tasks.probe()
    assert provider.runs == runs
    EngineHealth.objects.update(probe_at=timezone.now())
    tasks.probe()
    tasks.probe()

    assert provider.runs == runs + 1
    paused = EngineHealth.objects.get()
    assert paused.probe_at is not None
    assert paused.probe_at - timezone.now() > timedelta(minutes=3)


@pytest.mark.parametrize("tool", ["", TOOL])
def test_staff_switch_an_engine_or_one_tool_of_it_off(
    owner: Merchant, provider: Engine, tool: str
) -> None:
    EngineSwitch.objects.create(engine="google", tool=tool, is_on=False)

    with pytest.raises(RunRefused, match="switched off"):
        place(owner, "off")
    other = health.route("nano-banana-i2i").unavailable_reason
    assert (other is None) == bool(tool)


def test_a_days_cap_stops_the_engine_until_tomorrow(owner: Merchant, provider: Engine) -> None:
    EngineSwitch.objects.create(engine="google", daily_cap=Decimal("0.05"))
    UsagePrice.objects.create(
        engine="google", model="test-model", unit="output_tokens", micro_usd=30,
        as_of="2026-11-01",
    )  # fmt: skip
    provider.result = picture_result(engine="google")
    provider.result.usage["output_tokens"] = 1120  # type: ignore[index]
    work(place(owner, "first"))
    assert health.route(TOOL).unavailable_reason is None

    work(place(owner, "second"))

    with pytest.raises(RunRefused, match="limit for today"):
        place(owner, "third")
    assert Generation.objects.filter(usage={"output_tokens": 1120}).count() == 2
