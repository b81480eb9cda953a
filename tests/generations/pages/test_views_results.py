"""A run's own page: its result, what went wrong, and what became of its credits by which rule."""

from __future__ import annotations

import pytest
from django.utils import timezone

from credits.models import RestorationCase
from credits.outcomes import cases
from generations import tasks
from generations.engines.base import (
    ContentPolicyError,
    EngineError,
    EngineTimeoutError,
    PlatformError,
    ProviderError,
)
from generations.models import Generation
from generations.runs import lifecycle
from shopify_auth.models import Person
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.generations.word_catalogue import speak
from tests.merchants import Merchant
from tests.page_reading import attribute, every, one, read_page, words

BROKEN = "The stored image could not be read."


@pytest.fixture
def staff(db: None) -> Person:
    return Person.objects.create_superuser("staff@example.com", "correct horse", name="Stella")


def finished(owner: Merchant, engine: Engine, error: EngineError | None = None) -> Generation:
    """A run that has ended, by its engine's word."""
    engine.error = error
    ask(owner.client)
    run = Generation.objects.get()
    tasks.run(generation_id=str(run.pk))
    run.refresh_from_db()
    return run


def page_of(owner: Merchant, run: Generation) -> str:
    return words(one(read_page(owner.client.get(f"/dashboard/runs/{run.pk}")), "main"))


class TestWhatBecameOfTheCredits:
    @pytest.mark.parametrize(
        ("error", "rule"),
        [
            (ProviderError("The image service failed."), "AI provider failure"),
            (ContentPolicyError("Refused by the rules."), "Content policy"),
            (EngineTimeoutError("It took too long."), "Timeout"),
        ],
    )
    def test_a_failure_that_is_not_restored_says_by_which_rule(
        self, owner: Merchant, engine: Engine, error: EngineError, rule: str
    ) -> None:
        run = finished(owner, engine, error)

        page = page_of(owner, run)

        assert page.count(str(error)) == 1
        assert page.count("20 credits were used. They are not restored.") == 1
        assert rule.lower() in page.split("Rule:")[1].lower()
        assert "Restoration case" not in page
        assert owner.total == 80

    def test_an_error_of_ours_waits_for_a_decision(self, owner: Merchant, engine: Engine) -> None:
        page = page_of(owner, finished(owner, engine, PlatformError(BROKEN)))

        assert "staff decide whether they are restored." in page
        assert "Restoration case Waiting for a decision" in page

    def test_a_restored_run_names_the_entry_that_gave_back(
        self, owner: Merchant, engine: Engine, staff: Person
    ) -> None:
        run = finished(owner, engine, PlatformError(BROKEN))
        case = RestorationCase.objects.get()
        cases.approve(case, staff, "Our storage was away", timezone.now())

        page = page_of(owner, run)

        assert "20 credits were given back, each to where it was taken from." in page
        assert "by entry 3" in page
        assert "Our storage was away" in page
        assert owner.total == 100

    def test_a_declined_run_says_so_and_why(
        self, owner: Merchant, engine: Engine, staff: Person
    ) -> None:
        run = finished(owner, engine, PlatformError(BROKEN))
        case = RestorationCase.objects.get()
        cases.decline(case, staff, "The picture was delivered", timezone.now())

        page = page_of(owner, run)

        assert "Our staff looked at it and declined to restore them." in page
        assert "The picture was delivered" in page
        assert owner.total == 80


class TestThePage:
    def test_says_failed_once_and_beside_nothing_else(
        self, owner: Merchant, engine: Engine
    ) -> None:
        page = read_page(
            owner.client.get(f"/dashboard/runs/{finished(owner, engine, PlatformError(BROKEN)).pk}")
        )

        badges = [words(badge) for badge in every(one(page, "main"), class_="badge")]
        assert badges == ["Failed", "Waiting for a decision"]

    def test_changes_as_a_whole_while_the_run_works(self, owner: Merchant, engine: Engine) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        waiting = one(read_page(owner.client.get(f"/dashboard/runs/{run.pk}")), id=f"run-{run.pk}")
        status = attribute(waiting, "hx-get")

        tasks.run(generation_id=str(run.pk))
        part = read_page(owner.client.get(status))

        assert attribute(part, "id") == f"run-{run.pk}"
        assert attribute(part, "hx-get") == ""
        assert "Made by Our server Asked by" in words(part)
        assert len(list(every(part, "img"))) == 2

    def test_cancelling_answers_with_the_whole_too(self, owner: Merchant, engine: Engine) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        page = read_page(owner.client.get(f"/dashboard/runs/{run.pk}"))
        cancel = one(page, "form", **{"hx-target": f"#run-{run.pk}"})

        answer = owner.client.post(attribute(cancel, "hx-post"), headers={"HX-Request": "true"})

        part = read_page(answer)
        assert attribute(part, "id") == attribute(cancel, "hx-target").removeprefix("#")
        assert "Cancelled" in words(part)
        assert "20 credits were given back" in words(part)

    def test_a_run_that_works_is_asked_about_once_with_its_price(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        waiting = read_page(owner.client.get(f"/dashboard/runs/{run.pk}"))
        form = one(waiting, "form", **{"hx-target": f"#run-{run.pk}"})
        address = attribute(form, "hx-post")
        lifecycle.start(str(run.pk))

        # The click was meant for a run that waits.
        told = owner.client.post(address, {"waits": "1"}, headers={"HX-Request": "true"})

        run.refresh_from_db()
        assert run.state == "running"
        part = read_page(told)
        assert "the 20 credits it costs stay used" in words(part)
        assert "ask=cancel" in attribute(part, "hx-get")

        owner.client.post(attribute(one(part, "form"), "hx-post"), headers={"HX-Request": "true"})
        run.refresh_from_db()
        assert (run.state, run.outcome, owner.total) == ("cancelled", "user_cancelled", 80)

    def test_a_run_that_works_has_a_link_that_asks(self, owner: Merchant, engine: Engine) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        lifecycle.start(str(run.pk))

        page = read_page(owner.client.get(f"/dashboard/runs/{run.pk}/status"))
        [link] = [link for link in every(page, "a") if words(link) == "Cancel"]
        asked = read_page(owner.client.get(attribute(link, "href")))

        assert not list(every(page, "form"))
        assert "Cancel this run?" in words(asked)

    def test_describes_both_pictures(self, owner: Merchant, engine: Engine) -> None:
        run = finished(owner, engine)

        page = one(read_page(owner.client.get(f"/dashboard/runs/{run.pk}")), "main")

        texts = [attribute(image, "alt") for image in every(page, "img")]
        assert texts == ["Image, original", "Image, result of Background Removal"]
        assert "Details" not in [words(link) for link in every(page, "a")]

    def test_beside_its_tool_leads_to_the_details(self, owner: Merchant, engine: Engine) -> None:
        run = finished(owner, engine)

        part = read_page(owner.client.get(f"/dashboard/runs/{run.pk}/status"))

        [details] = [link for link in every(part, "a") if words(link) == "Details"]
        assert attribute(details, "href") == f"/dashboard/runs/{run.pk}"


def test_tools_and_errors_are_read_in_the_readers_language(
    owner: Merchant, engine: Engine, settings: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    speak(
        settings, tmp_path_factory.mktemp("locale"), "da",
        {"Background Removal": "Fjern baggrund", BROKEN: "Billedet kunne ikke læses."},
    )  # fmt: skip
    run = finished(owner, engine, PlatformError(BROKEN))
    address = f"/dashboard/runs/{run.pk}"

    danish = owner.client.get(address, headers={"Accept-Language": "da"}).content.decode()
    english = owner.client.get(address, headers={"Accept-Language": "en"}).content.decode()

    assert "Fjern baggrund" in danish
    assert "Billedet kunne ikke læses." in danish
    assert BROKEN in english
    assert run.error == BROKEN


def test_a_run_that_was_cancelled_in_time_is_given_back(owner: Merchant, engine: Engine) -> None:
    ask(owner.client)
    run = Generation.objects.get()

    lifecycle.cancel(owner.account.pk, str(run.pk))

    assert "20 credits were given back" in page_of(owner, run)
    assert owner.total == 100
