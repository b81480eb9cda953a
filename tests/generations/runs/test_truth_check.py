"""The product-truth check of runs: whose results are checked, and what a page says of them."""

from __future__ import annotations

from typing import Any

import pytest

from generations import tasks
from generations.catalog import TOOLS
from generations.models import Generation
from generations.runs import truth_check
from generations.truth import verdict
from generations.truth.verdict import Finding
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant
from tests.page_reading import read_page, words


@pytest.fixture
def run(owner: Merchant, engine: Engine) -> Generation:
    """A delivered result of another engine than ours."""
    ask(owner.client)
    made = Generation.objects.get()
    tasks.run(generation_id=str(made.pk))
    Generation.objects.filter(pk=made.pk).update(engine="google", truth={})
    made.refresh_from_db()
    return made


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the comparison say something."""

    def say(*findings: Finding) -> None:
        monkeypatch.setattr(verdict, "see", lambda *_args: None)
        monkeypatch.setattr(verdict, "compare", lambda *_args: list(findings))

    return say


def test_what_our_own_engine_cut_out_is_not_checked(owner: Merchant, engine: Engine) -> None:
    ask(owner.client)
    made = Generation.objects.get()
    tasks.run(generation_id=str(made.pk))

    made.refresh_from_db()
    assert made.truth == {}


@pytest.mark.parametrize(
    ("column", "value"), [("tool", "nano-banana-t2i"), ("label", "sandbox"), ("engine", "local")]
)
def test_whose_results_are_not_checked(run: Generation, column: str, value: str) -> None:
    Generation.objects.filter(pk=run.pk).update(**{column: value})
    truth_check.ask(run)
    run.refresh_from_db()
    assert run.truth == {}


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        ([Finding("text", "amber", "ORGANIC", "ORGANC")],
         "Label text differs: 'ORGANIC' → 'ORGANC'."),
        ([Finding("text", "amber", "ORGANIC")], "Label text is gone: 'ORGANIC'."),
        ([Finding("colour", "amber", figure=8.25)], "The product's colours differ (ΔE 8.25)."),
        ([Finding("colour", "green"), Finding("text", "green")],
         "Compared with your photo: colour, label text."),
        ([], "We cannot judge whether the product is the same"),
    ],
)  # fmt: skip
def test_the_page_says_what_was_found(
    owner: Merchant, run: Generation, says: Any, findings: list[Finding], sentence: str
) -> None:
    truth_check.ask(run)
    waiting = words(read_page(owner.client.get(f"/dashboard/runs/{run.pk}")))
    assert "Comparing the product with your photo" in waiting
    says(*findings)

    tasks.check_truth(generation_id=str(run.pk))

    assert sentence in words(read_page(owner.client.get(f"/dashboard/runs/{run.pk}")))
    assert owner.total == 80


def test_a_check_that_breaks_leaves_the_result_and_says_nothing_of_it(
    owner: Merchant, run: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(verdict, "see", broken)
    truth_check.ask(run)
    tasks.check_truth(generation_id=str(run.pk))

    run.refresh_from_db()
    assert (run.state, run.truth["state"]) == ("succeeded", "unknown")


def test_every_tool_that_keeps_a_product_makes_pictures() -> None:
    keeping = {slug for slug, tool in TOOLS.items() if tool.keeps}
    assert {TOOLS[slug].output for slug in keeping} == {"image"}
    assert "nano-banana-t2i" not in keeping
