"""A run as the credit pages tell it: its entry's receipt, the banner, and what Home says."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from credits import ledger
from generations import tasks
from generations.engines.base import EngineError, EngineTimeoutError, PlatformError
from generations.models import Generation
from generations.runs import lifecycle
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant
from tests.page_reading import attribute, every, one, read_page, words


def finished(owner: Merchant, engine: Engine, error: EngineError | None = None) -> Generation:
    """A run that has ended, by its engine's word."""
    engine.error = error
    ask(owner.client, key=f"k{engine.runs}")
    run = Generation.objects.latest("created_at")
    tasks.run(generation_id=str(run.pk))
    run.refresh_from_db()
    return run


def receipt(owner: Merchant, run: Generation) -> str:
    """The receipt on the page of the entry that paid; it links to the run."""
    assert run.spend is not None
    page = read_page(owner.client.get(f"/dashboard/usage/ledger/{run.spend.sequence}"))
    section = one(page, "section", **{"aria-labelledby": "receipt"})
    assert f"/dashboard/runs/{run.pk}" in [attribute(link, "href") for link in every(section, "a")]
    return words(section)


def banner(owner: Merchant) -> str:
    return words(one(read_page(owner.client.get("/dashboard/settings")), id="page-banner"))


class TestTheEntrysReceipt:
    def test_of_a_delivered_run(self, owner: Merchant, engine: Engine) -> None:
        said = receipt(owner, finished(owner, engine))

        assert "20 credits were used. The result was delivered." in said
        assert "Rule: Output delivered, credits consumed." in said

    def test_of_one_that_took_too_long(self, owner: Merchant, engine: Engine) -> None:
        said = receipt(owner, finished(owner, engine, EngineTimeoutError("It took too long.")))

        assert "20 credits were used. They are not restored." in said
        assert "Rule: Timeout errors: not restored." in said

    def test_of_one_that_was_cancelled_while_it_waited(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        lifecycle.cancel(owner.account.pk, str(run.pk))

        said = receipt(owner, run)

        assert "20 credits were given back" in said
        assert "Rule: Cancelled before processing began: given back." in said

    def test_of_one_that_goes_on_names_no_rule_yet(self, owner: Merchant, engine: Engine) -> None:
        ask(owner.client)

        assert "Rule:" not in receipt(owner, Generation.objects.get())


class TestWhatNeedsTheMerchant:
    def test_a_failed_run_until_the_same_is_delivered(
        self, owner: Merchant, engine: Engine
    ) -> None:
        assert "failed" not in banner(owner)
        finished(owner, engine, PlatformError("The disk is full."))

        home = words(one(read_page(owner.client.get("/dashboard/")), "main"))
        assert "1 run failed" in banner(owner)
        assert "1 run failed within the last day." in home
        assert "1 run failed because of our error" in home

        finished(owner, engine)
        home = words(one(read_page(owner.client.get("/dashboard/")), "main"))
        assert "failed" not in banner(owner)
        assert "failed within" not in home
        assert "1 run failed because of our error" in home

    def test_a_case_whose_credits_are_back_waits_for_nobody(
        self, owner: Merchant, engine: Engine
    ) -> None:
        run = finished(owner, engine, PlatformError("The disk is full."))
        finished(owner, engine)
        assert run.spend_id is not None
        ledger.restore(run.spend_id, "restore", "staff:9", "Goodwill")

        home = words(one(read_page(owner.client.get("/dashboard/")), "main"))

        assert "our error" not in home
        assert "Needs you" not in home

    def test_a_failure_of_yesterday_is_old_news(
        self, owner: Merchant, engine: Engine, time_machine: object
    ) -> None:
        finished(owner, engine, EngineTimeoutError("It took too long."))
        later = timezone.now() + timedelta(days=1, minutes=1)
        time_machine.move_to(later, tick=False)  # type: ignore[attr-defined]

        assert "failed" not in banner(owner)

    def test_failed_work_comes_before_low_credits_and_after_none(
        self, owner: Merchant, engine: Engine
    ) -> None:
        for _run in range(4):
            finished(owner, engine, EngineTimeoutError("It took too long."))
        assert owner.total == 20
        assert "4 runs failed" in banner(owner)

        finished(owner, engine, EngineTimeoutError("It took too long."))
        assert "You have no credits left" in banner(owner)

    def test_another_stores_failure_is_not_this_ones(
        self, owner: Merchant, second_shop: Merchant, engine: Engine
    ) -> None:
        finished(owner, engine, PlatformError("The disk is full."))

        assert "failed" not in banner(second_shop)

    def test_another_stores_delivery_hides_no_failure(
        self, owner: Merchant, second_shop: Merchant, engine: Engine
    ) -> None:
        finished(owner, engine, PlatformError("The disk is full."))
        finished(second_shop, engine)

        assert "1 run failed" in banner(owner)

    def test_an_earlier_delivery_hides_no_failure(self, owner: Merchant, engine: Engine) -> None:
        finished(owner, engine)
        finished(owner, engine, PlatformError("The disk is full."))

        assert "1 run failed" in banner(owner)
