"""An outage pauses a tool, gives back what waits and ends by a probe; staff switch and cap engines."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry
from generations import engine_standing, tasks
from generations.engines import registry
from generations.engines.base import ContentPolicyError, PlatformError, ProviderError
from generations.models import EngineHealth, EngineSwitch, Generation, StaffNotice, UsagePrice
from generations.runs import request
from generations.runs.orders import Order, Requester
from generations.runs.outages import health, staff_notices
from generations.runs.quote import RunRefused
from shopify_auth.models import Person
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


LIMITED = PlatformError(
    "Google has limited our account.", fault="Our account is limited (PUP_LIMITED_DISABLED)",
    stops_tool=True,
)  # fmt: skip


@pytest.fixture
def superuser(db: None) -> Person:
    return Person.objects.create_superuser("ada@ecomvance.example", "a long password")


def test_a_fault_of_ours_switches_the_tool_off_at_once_and_tells_staff(
    owner: Merchant, sam: Merchant, superuser: Person, provider: Engine, mailoutbox: list[Any]
) -> None:
    waiting = place(sam, "waits")
    provider.error = LIMITED

    work(place(owner, "fails"))

    waiting.refresh_from_db()
    assert waiting.outcome == "cancelled_in_queue"
    assert "switched off" in (health.route(TOOL).unavailable_reason or "")
    tasks.tell_staff()
    tasks.tell_staff()
    [mail] = mailoutbox
    assert mail.to == [superuser.email]
    assert "PUP_LIMITED_DISABLED" in mail.body
    assert TOOL in mail.body
    assert "/staff/generations/enginehealth/" in mail.body
    told = {tool.tool: tool.fault for tool in engine_standing.read()}
    assert told[TOOL] == LIMITED.fault


def test_a_fault_that_was_mended_opens_the_tool_by_a_probe(
    owner: Merchant, provider: Engine
) -> None:
    provider.error = LIMITED
    work(place(owner, "fails"))
    EngineHealth.objects.update(probe_at=timezone.now())
    provider.error = None

    tasks.probe()

    assert health.route(TOOL).unavailable_reason is None
    assert EngineHealth.objects.get().fault == ""


def test_a_request_that_is_not_understood_is_told_and_stops_nobody(
    owner: Merchant, superuser: Person, provider: Engine, mailoutbox: list[Any]
) -> None:
    provider.error = PlatformError("Not understood.", fault="Not understood (INVALID_ARGUMENT)")

    for number in range(3):
        work(place(owner, f"fails {number}"))
    tasks.tell_staff()

    assert health.route(TOOL).unavailable_reason is None
    assert len(mailoutbox) == 1


def test_an_outage_is_told_to_staff(
    owner: Merchant, sam: Merchant, superuser: Person, provider: Engine, mailoutbox: list[Any]
) -> None:
    provider.error = OUTAGE

    fail([owner, sam])
    tasks.tell_staff()

    [mail] = mailoutbox
    assert "outage" in mail.body


def test_a_notice_waits_while_the_mail_server_is_away(
    superuser: Person, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    staff_notices.tell("a tool", "A tool stopped.")
    with monkeypatch.context() as away:
        away.setattr(EmailMultiAlternatives, "send", Mock(side_effect=ConnectionRefusedError))
        tasks.tell_staff()
    assert StaffNotice.objects.get().mailed_at is None

    tasks.tell_staff()

    assert len(mailoutbox) == 1
    assert StaffNotice.objects.get().mailed_at is not None


def test_the_prices_that_were_known_are_there_with_their_date(db: None) -> None:
    prices = UsagePrice.objects.filter(engine="google")

    per_picture = prices.get(model="gemini-nano-banana-2.1", unit="candidates_token_count")
    assert per_picture.micro_usd * 1120 == 33_600
    per_second = prices.get(model="gemini-omni-1.2-flash", unit="video_seconds")
    assert per_second.micro_usd == 70_000
    assert {price.as_of.year for price in prices} == {2026}
