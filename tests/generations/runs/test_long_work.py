"""Videos at a provider: killed between any two steps there is one charge and at most one job there."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry, RestorationCase
from generations import tasks
from generations.engines import registry
from generations.engines.base import (
    ContentPolicyError,
    Output,
    Pending,
    PlatformError,
    ProviderError,
    Result,
)
from generations.models import Generation, Picture
from generations.runs import lifecycle, long_work, request, worker
from generations.runs.orders import Order, Requester
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.merchants import Merchant

STILL = samples.encoded(samples.quarters(), "JPEG")
VIDEO = Output(
    "video", b"\0\0\0\x18ftypmp42" + b"x" * 5000, "video/mp4", 720, 1280, 4.0, poster=STILL
)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: object) -> Engine:
    """A provider of videos that takes its time."""
    settings.GEMINI_API_KEY = "key"  # type: ignore[attr-defined]
    engine = Engine(name="google", long=True)
    engine.polled = Result((VIDEO,), "google", "veo-test", "real", {"seconds": 4})
    monkeypatch.setitem(registry.GOOGLE, "veo-t2v", engine)
    return engine


@pytest.fixture
def run(owner: Merchant, provider: Engine) -> Generation:
    """A video of four seconds that was paid and waits."""
    ledger.add_package(owner.account.pk, 1000, "pkg")
    requester = Requester(owner.account.pk, owner.person.pk, "web")
    order = Order("veo-t2v", seconds=4, prompt="A mug turns")
    return request.place(requester, order, "video")[0]


def now(run: Generation) -> Generation:
    run.refresh_from_db()
    return run


def kill_worker(run: Generation) -> None:
    """Its worker is gone: the lease runs out, and two sweeps find it so."""
    past = timezone.now() - timedelta(hours=1)
    Generation.objects.filter(pk=run.pk, lease_until__isnull=False).update(
        lease_until=past, suspected_at=past
    )
    lifecycle.sweep()


def charges(run: Generation) -> list[int]:
    entries = LedgerEntry.objects.filter(account_id=run.account_id).order_by("sequence")
    return [e.plan_delta + e.package_delta for e in entries if e.kind in ("spend", "restore")]


def test_a_video_is_handed_over_followed_and_delivered(run: Generation, provider: Engine) -> None:
    tasks.call(generation_id=str(run.pk))

    assert (now(run).state, run.step, run.handle) == ("running", "submitted", "handle-1")
    assert run.lease_until is None
    tasks.poll(generation_id=str(run.pk))
    assert (now(run).state, run.model, run.usage) == ("succeeded", "veo-test", {"seconds": 4})
    video = Picture.objects.get(generation=run, role="output")
    assert (video.kind, video.seconds, video.width) == ("video", 4.0, 720)
    assert video.preview.endswith(".webp")
    assert (provider.runs, charges(run)) == (1, [-400])


def test_work_that_is_not_ready_is_asked_after_again(run: Generation, provider: Engine) -> None:
    provider.polled = Pending("handle-1", timedelta(seconds=10))
    tasks.call(generation_id=str(run.pk))

    tasks.poll(generation_id=str(run.pk))

    poll_at = now(run).poll_at
    assert poll_at is not None
    assert timedelta(seconds=5) < poll_at - timezone.now() < timedelta(seconds=11)
    tasks.poll(generation_id=str(run.pk))
    assert run.state == "running"


class TestKilled:
    def test_before_the_provider_was_asked(self, run: Generation, provider: Engine) -> None:
        lifecycle.start(str(run.pk))

        kill_worker(run)

        assert now(run).state == "queued"
        tasks.call(generation_id=str(run.pk))
        tasks.poll(generation_id=str(run.pk))
        assert (now(run).state, provider.runs, charges(run)) == ("succeeded", 1, [-400])

    def test_while_handing_over(
        self, run: Generation, provider: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        started = lifecycle.start(str(run.pk))
        assert started is not None
        assert long_work.begin_submitting(started)

        kill_worker(run)

        assert (now(run).state, run.outcome, run.step) == (
            "failed", "platform_error", "submitting",
        )  # fmt: skip
        assert "may have been billed" in caplog.text
        assert (provider.runs, charges(run)) == (0, [-400])
        assert RestorationCase.objects.count() == 1

    def test_between_the_answer_and_its_being_kept(
        self, run: Generation, provider: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(*_arguments: object) -> bool:
            raise SystemExit

        monkeypatch.setattr(long_work, "submitted", die)
        with pytest.raises(SystemExit):
            worker.run(str(run.pk))

        kill_worker(run)
        tasks.call(generation_id=str(run.pk))

        assert (now(run).outcome, provider.runs, charges(run)) == ("platform_error", 1, [-400])

    def test_while_asking_after_it(
        self, run: Generation, provider: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tasks.call(generation_id=str(run.pk))

        def die(*_arguments: object) -> bool:
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(lifecycle, "succeed", die)
            with pytest.raises(SystemExit):
                long_work.poll(str(run.pk))
        Generation.objects.update(poll_at=timezone.now() - timedelta(seconds=1))
        tasks.poll(generation_id=str(run.pk))

        assert (now(run).state, provider.runs, charges(run)) == ("succeeded", 1, [-400])

    def test_the_sweep_leaves_work_at_the_provider_alone(
        self, run: Generation, provider: Engine
    ) -> None:
        tasks.call(generation_id=str(run.pk))

        lifecycle.sweep()
        tasks.call(generation_id=str(run.pk))

        assert (now(run).step, provider.runs) == ("submitted", 1)


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (ContentPolicyError("Refused."), "content_policy"),
            (ProviderError("Nothing came out."), "provider_error"),
            (PlatformError("Our quota is used up."), "platform_error"),
        ],
    )
    def test_what_the_provider_says_later_ends_the_run(
        self, run: Generation, provider: Engine, error: Exception, outcome: str
    ) -> None:
        provider.polled = error
        tasks.call(generation_id=str(run.pk))

        tasks.poll(generation_id=str(run.pk))

        assert (now(run).outcome, charges(run)) == (outcome, [-400])
        assert provider.cancelled == ["handle-1"]
        assert run.handle == ""

    def test_a_provider_that_does_not_answer_is_asked_again(
        self, run: Generation, provider: Engine
    ) -> None:
        tasks.call(generation_id=str(run.pk))
        provider.polled = ProviderError("Busy.", retry_helps=True, retry_after=20)

        tasks.poll(generation_id=str(run.pk))

        assert now(run).state == "running"
        assert run.poll_at is not None
        assert run.poll_at - timezone.now() > timedelta(seconds=15)

    def test_refused_at_the_door_it_is_handed_over_once_more_and_no_oftener(
        self, run: Generation, provider: Engine
    ) -> None:
        provider.error = PlatformError("Too many.", retry_helps=True)

        tasks.call(generation_id=str(run.pk))
        assert (now(run).state, run.step) == ("queued", "")
        tasks.call(generation_id=str(run.pk))

        assert (now(run).outcome, provider.runs) == ("platform_error", 2)

    def test_a_wish_to_be_left_alone_is_heeded(
        self, run: Generation, provider: Engine, sent_jobs: list[str]
    ) -> None:
        provider.error = PlatformError("Too many.", retry_helps=True, retry_after=50)
        tasks.call(generation_id=str(run.pk))

        lifecycle.sweep()
        assert sent_jobs == []
        Generation.objects.update(enqueued_at=now(run).enqueued_at - timedelta(seconds=50))
        lifecycle.sweep()

        assert now(run).state == "queued"
        assert run.enqueued_at > timezone.now() - timedelta(seconds=30)

    def test_past_its_deadline_it_is_stopped_at_the_provider(
        self, run: Generation, provider: Engine
    ) -> None:
        provider.result = Pending("handle-1", timedelta())
        tasks.call(generation_id=str(run.pk))
        Generation.objects.update(deadline_at=timezone.now())

        tasks.poll(generation_id=str(run.pk))

        assert (now(run).outcome, provider.cancelled) == ("timeout", ["handle-1"])
        assert not Picture.objects.filter(role="output").exists()


@pytest.mark.parametrize("hours", [-1, 1])
class TestAClockThatIsSet:
    """On the worker that hands over, or on the one that asks."""

    def test_before_it_is_asked_after(
        self, run: Generation, provider: Engine, sent_jobs: list[str], hours: int
    ) -> None:
        tasks.call(generation_id=str(run.pk))

        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=True):
            assert long_work.send_due(timedelta(seconds=5)) == 1
            tasks.poll(generation_id=str(run.pk))

        assert now(run).outcome == "delivered"

    def test_while_it_is_handed_over(
        self, run: Generation, provider: Engine, sent_jobs: list[str], hours: int
    ) -> None:
        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=True):
            Generation.objects.update(enqueued_at=timezone.now())
            tasks.call(generation_id=str(run.pk))

        assert long_work.send_due(timedelta(seconds=5)) == 1
        tasks.poll(generation_id=str(run.pk))

        assert now(run).outcome == "delivered"


class TestCancelled:
    def test_while_it_waits_it_is_given_back(self, run: Generation, provider: Engine) -> None:
        lifecycle.cancel(run.account_id, str(run.pk))

        assert (now(run).outcome, charges(run), provider.runs) == (
            "cancelled_in_queue", [-400, 400], 0,
        )  # fmt: skip

    def test_at_the_provider_it_is_stopped_and_its_late_result_thrown_away(
        self, run: Generation, provider: Engine
    ) -> None:
        tasks.call(generation_id=str(run.pk))

        lifecycle.cancel(run.account_id, str(run.pk))
        tasks.poll(generation_id=str(run.pk))
        tasks.discard(generation_id=str(run.pk))

        assert (now(run).outcome, charges(run)) == ("user_cancelled", [-400])
        assert provider.cancelled == ["handle-1"]
        assert not Picture.objects.filter(role="output").exists()

    def test_while_it_is_being_handed_over_the_work_is_stopped(
        self, run: Generation, provider: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def cancelled_meanwhile(_job: object) -> Pending:
            lifecycle.cancel(run.account_id, str(run.pk))
            return Pending("handle-2", timedelta())

        monkeypatch.setattr(provider, "run", cancelled_meanwhile)

        tasks.call(generation_id=str(run.pk))

        assert (now(run).outcome, run.handle) == ("user_cancelled", "")
        assert provider.cancelled == ["handle-2"]


class TestMessages:
    def test_each_due_run_is_sent_once_until_it_is_due_again(
        self, run: Generation, provider: Engine, sent_jobs: list[str]
    ) -> None:
        tasks.call(generation_id=str(run.pk))
        sent_jobs.clear()
        later = timedelta(seconds=5)

        sent = [long_work.send_due(later) for _ in range(3)]

        assert sent == [1, 0, 0]
        assert long_work.send_due(later + long_work.ASK_AGAIN_AFTER) == 1

    def test_a_run_of_a_provider_waits_in_a_queue_of_its_own(self, settings: object) -> None:
        routes = settings.CELERY_TASK_ROUTES  # type: ignore[attr-defined]

        assert routes["generations.run"]["queue"] == "engines"
        for name in ("call", "poll", "discard"):
            assert routes[f"generations.{name}"]["queue"] == "waiting"
