"""A run's page: run it again, report a problem, delete it, and until when it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import default_storage
from django.utils import timezone

from credits.accounts import notices
from credits.models import AlertRecipient, Notice
from generations import tasks
from generations.models import Generation, ProblemReport
from generations.results import problems, retention
from tests.generations.engine import Engine
from tests.generations.mug_store import ask, stored_files
from tests.merchants import Merchant, make_person
from tests.page_reading import attribute, one, read_page, words

HTMX = {"HX-Request": "true"}


@pytest.fixture
def run(owner: Merchant, engine: Engine) -> Generation:
    """A delivered run of 20 credits; the balance is 100 before it."""
    ask(owner.client)
    made = Generation.objects.get()
    tasks.run(generation_id=str(made.pk))
    made.refresh_from_db()
    assert made.state == "succeeded"
    return made


def page(owner: Merchant, run: Generation, path: str = "") -> str:
    return f"/dashboard/runs/{run.pk}{path}"


class TestRunAgain:
    def test_asks_for_the_same_at_the_price_shown(
        self, owner: Merchant, run: Generation, engine: Engine
    ) -> None:
        shown = read_page(owner.client.get(page(owner, run)))
        form = one(shown, "form", action=page(owner, run, "/again"))
        key = attribute(one(form, "input", name="key"), "value")
        assert "Run again · 20 credits" in words(form)

        pressed = {"key": key, "max_credits": "20"}
        owner.client.post(page(owner, run, "/again"), pressed, headers=HTMX)
        answer = owner.client.post(page(owner, run, "/again"), pressed, headers=HTMX)

        second = Generation.objects.exclude(pk=run.pk).get()
        assert answer["HX-Redirect"] == f"/dashboard/runs/{second.pk}"
        assert (second.price, second.options, second.tool) == (20, run.options, run.tool)
        assert owner.total == 60
        tasks.run(generation_id=str(second.pk))
        first, again = engine.jobs
        assert [one.content for one in first.inputs] == [one.content for one in again.inputs]

    def test_a_higher_price_than_the_buttons_charges_nothing(
        self, owner: Merchant, run: Generation
    ) -> None:
        answer = owner.client.post(
            page(owner, run, "/again"), {"key": "again", "max_credits": "19"}, headers=HTMX
        )

        assert answer.status_code == 409
        assert answer["HX-Retarget"] == f"#again-errors-{run.pk}"
        assert owner.total == 80

    def test_is_not_offered_for_pictures_that_are_kept_no_longer(
        self, owner: Merchant, run: Generation
    ) -> None:
        run.pictures.all().delete()
        Generation.objects.filter(pk=run.pk).update(emptied_at=timezone.now())

        assert "Run again" not in words(read_page(owner.client.get(page(owner, run))))
        answer = owner.client.post(page(owner, run, "/again"), {"key": "x", "max_credits": "20"})
        assert answer.status_code == 422
        assert owner.total == 80


class TestProblems:
    def test_staff_find_everything_in_one_row(self, owner: Merchant, run: Generation) -> None:
        browser = HTMX | {"User-Agent": "Browser 1.0"}
        answer = owner.client.post(page(owner, run, "/report"), {}, headers=browser)

        assert "You reported a problem" in answer.text
        problem = ProblemReport.objects.get()
        assert (problem.account, problem.generation) == (owner.account, run)
        assert problem.reported_by == owner.person
        facts = problem.facts
        assert (facts["state"], facts["engine"], facts["price"]) == ("succeeded", "local", 20)
        assert (facts["plan"], facts["package"], facts["restored"]) == (20, 0, 0)
        assert (facts["surface"], facts["browser"]) == ("web", "Browser 1.0")
        assert {one["role"] for one in facts["pictures"]} == {"input", "output"}

    def test_one_is_open_at_a_time(self, owner: Merchant, run: Generation) -> None:
        for text in ("The handle is gone", "Hello?"):
            owner.client.post(page(owner, run, "/report"), {"words": text})
        problem = ProblemReport.objects.get()
        assert problem.words == "The handle is gone"

        problems.close(problem.pk, make_person("Stacy").pk)
        owner.client.post(page(owner, run, "/report"), {"words": "Again"})
        assert ProblemReport.objects.count() == 2

    def test_of_another_accounts_run(self, second_shop: Merchant, run: Generation) -> None:
        for path in ("/report", "/again", "/delete"):
            assert second_shop.client.post(f"/dashboard/runs/{run.pk}{path}").status_code == 404
        assert not ProblemReport.objects.exists()


def test_deleting_leads_to_the_gallery(owner: Merchant, run: Generation) -> None:
    answer = owner.client.post(page(owner, run, "/delete"), headers=HTMX)

    assert answer["HX-Redirect"] == "/dashboard/gallery"
    assert owner.client.get(page(owner, run)).status_code == 404
    assert str(run.pk) in owner.client.get("/dashboard/gallery?view=deleted").text


def test_a_run_that_goes_on_is_not_deleted(owner: Merchant, engine: Engine) -> None:
    ask(owner.client)
    run = Generation.objects.get()

    assert owner.client.post(page(owner, run, "/delete"), headers=HTMX).status_code == 409
    assert owner.client.get(page(owner, run)).status_code == 200


class TestRetention:
    @pytest.fixture
    def mailed(self, owner: Merchant, django_capture_on_commit_callbacks: Any) -> Any:
        """Sweeps at an instant, and returns the mails that went out."""
        AlertRecipient.objects.create(
            account=owner.account, email="olivia@cups.example", confirmed_at=timezone.now()
        )

        def sweep(now: Any) -> list[str]:
            mail.outbox.clear()
            with django_capture_on_commit_callbacks(execute=True):
                retention.sweep(now)
            for notice in Notice.objects.filter(mailed_at=None):
                notices.mail(notice.pk)
            return [str(one.subject) for one in mail.outbox]

        return sweep

    def test_tells_30_days_before_and_deletes_after_twelve_months(
        self, owner: Merchant, run: Generation, mailed: Any
    ) -> None:
        assert run.finished_at is not None
        end = retention.kept_until(run)
        assert end is not None
        assert 365 <= (end - run.finished_at).days <= 366
        assert mailed(end - timedelta(days=31)) == []
        [subject] = mailed(end - timedelta(days=30))
        assert "1 result is kept until" in subject
        assert mailed(end - timedelta(days=29)) == []
        assert mailed(end - timedelta(minutes=1)) == []
        assert run.pictures.exists()

        mailed(end + timedelta(minutes=1))

        assert not run.pictures.exists()
        assert stored_files(owner.account.pk) == []
        run.refresh_from_db()
        assert run.emptied_at is not None
        shown = words(read_page(owner.client.get(page(owner, run))))
        assert "no longer kept" in shown
        assert "Images deleted, as kept no longer" in shown
        assert owner.total == 80

    def test_nothing_goes_within_30_days_of_the_mail(
        self, run: Generation, mailed: Any, settings: Any
    ) -> None:
        assert run.finished_at is not None
        late = run.finished_at + timedelta(days=200)
        settings.RETENTION_MONTHS = 1
        mailed(late)
        run.refresh_from_db()
        assert retention.kept_until(run) == late + timedelta(days=30)
        mailed(late + timedelta(days=29, hours=23))
        assert run.pictures.exists()
        mailed(late + timedelta(days=30))
        assert not run.pictures.exists()

    def test_what_was_there_before_the_rule_is_kept_from_its_day(
        self, run: Generation, mailed: Any
    ) -> None:
        assert run.finished_at is not None
        came = run.finished_at + timedelta(days=500)
        Generation.objects.filter(pk=run.pk).update(kept_from=came)
        assert mailed(came + timedelta(days=300)) == []
        assert run.pictures.exists()

    def test_deleted_pictures_go_after_30_days(
        self, owner: Merchant, run: Generation, mailed: Any
    ) -> None:
        owner.client.post(page(owner, run, "/delete"))
        run.refresh_from_db()
        assert run.deleted_at is not None
        names = [one.file for one in run.pictures.all()]
        mailed(run.deleted_at + timedelta(days=29, hours=23))
        assert all(default_storage.exists(name) for name in names)
        mailed(run.deleted_at + timedelta(days=30, minutes=1))
        assert not any(default_storage.exists(name) for name in names)

    def test_the_gallery_finds_what_expires(
        self, owner: Merchant, run: Generation, time_machine: Any
    ) -> None:
        assert "Kept until" in owner.client.get("/dashboard/gallery").text
        address = "/dashboard/gallery?expiring=1"
        assert str(run.pk) not in owner.client.get(address).text
        end = retention.kept_until(run)
        assert end is not None
        time_machine.move_to(end - timedelta(days=29))
        owner.client.force_login(owner.person)
        assert str(run.pk) in owner.client.get(address).text
