"""Working runs off, and ending them: the task, the sweep, the cancel button."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from credits.accounts import notices
from credits.models import LedgerEntry, Notice, RestorationCase
from credits.signals import account_suspended
from generations import tasks
from generations.engines.base import ContentPolicyError, PlatformError, ProviderError
from generations.models import Generation, Picture
from generations.runs import lifecycle
from generations.runs.representations import generation_json
from tests.generations.engine import Engine
from tests.generations.mug_store import Callbacks, ask, lose_worker, stored_files
from tests.merchants import Merchant


class TestWorking:
    def test_runs_once_however_often_the_message_comes(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        for _ in range(3):
            tasks.run(generation_id=str(run.pk))

        assert engine.runs == 1
        assert run.pictures.filter(role=Picture.Role.OUTPUT).count() == 1

    @pytest.mark.parametrize(
        ("error", "outcome", "cases"),
        [
            (ProviderError("The image service failed."), "provider_error", 0),
            (ContentPolicyError("Refused by the rules."), "content_policy", 0),
            (PlatformError("Weights are missing."), "platform_error", 1),
        ],
    )
    def test_a_failure_ends_the_run_by_the_documents_rule(
        self, owner: Merchant, engine: Engine, error: Exception, outcome: str, cases: int
    ) -> None:
        engine.error = error
        ask(owner.client)
        run = Generation.objects.get()

        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("failed", outcome)
        assert RestorationCase.objects.count() == cases
        assert owner.total == 80
        assert str(error) in owner.client.get(f"/dashboard/runs/{run.pk}").content.decode()

    def test_who_wants_to_hear_of_failures_hears_of_one_an_hour(
        self, owner: Merchant, engine: Engine
    ) -> None:
        engine.error = ProviderError("The image service failed.")
        for key in ("unheard", "first", "second"):
            ask(owner.client, key=key)
            tasks.run(generation_id=str(Generation.objects.latest("created_at").pk))
            notices.choose(owner.account.pk, ["run_failed"])

        told = Notice.objects.get()
        assert told.subject == "Background Removal failed"
        assert "The image service failed." in told.text
        assert told.path == f"/dashboard/runs/{told.key}"

    def test_an_unforeseen_error_is_tried_again_and_then_ours(
        self, owner: Merchant, engine: Engine
    ) -> None:
        engine.error = RuntimeError("boom")
        ask(owner.client)
        run = Generation.objects.get()

        tasks.run(generation_id=str(run.pk))
        run.refresh_from_db()
        assert run.state == "queued"
        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.outcome, run.attempts) == ("failed", "platform_error", 2)
        assert RestorationCase.objects.get().spend == run.spend
        assert "boom" not in run.error


class TestHealing:
    def test_attempts_lie_seconds_apart(
        self,
        owner: Merchant,
        engine: Engine,
        django_capture_on_commit_callbacks: Callbacks,
        sent_jobs: list[str],
    ) -> None:
        engine.error = OSError("Read-only file system")
        ask(owner.client)
        run = Generation.objects.get()
        with django_capture_on_commit_callbacks(execute=True):
            tasks.run(generation_id=str(run.pk))
            lifecycle.sweep()
        assert not [job for job in sent_jobs if "generations.run" in job]

        run.refresh_from_db()
        run.enqueued_at -= lifecycle.PAUSE
        run.save()
        with django_capture_on_commit_callbacks(execute=True):
            lifecycle.sweep()

        assert timedelta(seconds=5) <= lifecycle.PAUSE
        assert f"generations.run {run.pk}" in sent_jobs

    def test_sends_a_run_again_that_waits_too_long(
        self, owner: Merchant, django_capture_on_commit_callbacks: Callbacks, sent_jobs: list[str]
    ) -> None:
        ask(owner.client)
        Generation.objects.update(enqueued_at=timezone.now() - timedelta(seconds=61))

        with django_capture_on_commit_callbacks(execute=True):
            tasks.sweep()
            tasks.sweep()

        assert sent_jobs == [f"generations.run {Generation.objects.get().pk}"]

    def test_a_run_whose_worker_died_is_worked_off_without_a_second_charge(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        assert lifecycle.start(str(run.pk)) is not None
        lose_worker()

        tasks.sweep()
        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.attempts) == ("succeeded", 2)
        assert owner.total == 80

    def test_a_run_that_kills_every_worker_ends_as_our_error(self, owner: Merchant) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        for _ in range(lifecycle.MAX_ATTEMPTS):
            assert lifecycle.start(str(run.pk)) is not None
            lose_worker()
            tasks.sweep()

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("failed", "platform_error")
        assert RestorationCase.objects.count() == 1

    def test_a_worker_that_lost_its_run_delivers_nothing(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        slow = lifecycle.start(str(Generation.objects.get().pk))
        assert slow is not None
        lose_worker()
        tasks.sweep()
        tasks.run(generation_id=str(slow.pk))

        assert not lifecycle.extend_lease(slow)
        assert not lifecycle.succeed(slow, engine.result)
        assert not lifecycle.fail(slow, "timeout", "late")
        assert slow.pictures.filter(role=Picture.Role.OUTPUT).count() == 1
        assert len(stored_files(owner.account.pk)) == 2


class TestCancelling:
    def test_gives_back_what_had_not_begun(self, owner: Merchant) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        owner.client.post(f"/dashboard/runs/{run.pk}/cancel")

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("cancelled", "cancelled_in_queue")
        assert owner.total == 100
        assert LedgerEntry.objects.get(kind="restore").restores == run.spend

    def test_shows_the_run_with_the_version_that_its_restoration_has_made(
        self, owner: Merchant
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        owner.client.post(f"/dashboard/runs/{run.pk}/cancel")

        shown = generation_json(owner.account.pk, str(run.pk))
        restoration = LedgerEntry.objects.get(kind="restore")
        assert shown is not None
        assert shown["version"] == restoration.sequence
        assert shown["version"] == owner.client.get("/dashboard/balance").json()["version"]

    def test_keeps_the_credits_of_a_run_that_had_begun(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = lifecycle.start(str(Generation.objects.get().pk))
        assert run is not None

        owner.client.post(f"/dashboard/runs/{run.pk}/cancel")
        delivered = lifecycle.succeed(run, engine.result)

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("cancelled", "user_cancelled")
        assert not delivered
        assert owner.total == 80

    def test_a_store_that_left_gets_back_what_waits(self, owner: Merchant) -> None:
        ask(owner.client)

        account_suspended.send(sender=None, account_id=owner.account.pk)

        assert Generation.objects.get().outcome == "cancelled_in_queue"
        assert owner.total == 100
