"""The history: one state at a time, forward and back."""

from __future__ import annotations

from credits import ledger
from generations import tasks
from generations.engines.base import ProviderError
from generations.models import Generation
from generations.runs import lifecycle
from generations.runs.queries import key_digest
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant
from tests.page_reading import attribute, every, one, read_page, words

HISTORY = "/dashboard/history"


def runs_on(owner: Merchant, address: str) -> list[str]:
    """The addresses of the runs that a page of the history shows, in its order."""
    page = read_page(owner.client.get(address))
    return [attribute(one(row, "a"), "href") for row in every(page, "th", scope="row")]


def link(owner: Merchant, address: str, name: str) -> str:
    """Where the page's link of this name leads; empty when there is none."""
    page = read_page(owner.client.get(address))
    return next((attribute(a, "href") for a in every(page, "a") if words(a) == name), "")


def test_newer_leads_back_over_the_same_pages(owner: Merchant) -> None:
    ledger.add_package(owner.account.pk, 2000, "p")
    for number in range(60):
        ask(owner.client, key=f"k{number}")

    forward = [HISTORY]
    while older := link(owner, forward[-1], "Older"):
        forward.append(older)
    pages = [runs_on(owner, address) for address in forward]

    assert [len(page) for page in pages] == [25, 25, 10]
    assert link(owner, HISTORY, "Newer") == ""
    back = link(owner, forward[-1], "Newer")
    assert runs_on(owner, back) == pages[1]
    assert runs_on(owner, link(owner, back, "Older")) == pages[2]
    first = link(owner, back, "Newer")
    assert runs_on(owner, first) == pages[0]
    assert link(owner, first, "Newer") == ""


def test_shows_the_runs_of_one_state(owner: Merchant, engine: Engine) -> None:
    address_of: dict[str, str] = {}
    for key in ("delivered", "failed", "cancelled", "waiting"):
        engine.error = ProviderError("The image service failed.") if key == "failed" else None
        ask(owner.client, key=key)
        run = Generation.objects.get(key=key_digest(key))
        address_of[key] = f"/dashboard/runs/{run.pk}"
        if key == "cancelled":
            lifecycle.cancel(owner.account.pk, str(run.pk))
        elif key != "waiting":
            tasks.run(generation_id=str(run.pk))

    views = {
        name: runs_on(owner, link(owner, HISTORY, name))
        for name in ("All", "Waiting", "Running", "Ready", "Failed", "Cancelled")
    }

    assert {name: shown for name, shown in views.items() if name != "All"} == {
        "Waiting": [address_of["waiting"]],
        "Running": [],
        "Ready": [address_of["delivered"]],
        "Failed": [address_of["failed"]],
        "Cancelled": [address_of["cancelled"]],
    }
    assert len(views["All"]) == 4
    page = words(read_page(owner.client.get(HISTORY, {"state": "running"})))
    assert "No run is in this state" in page


def test_a_cursor_of_somebodys_own_making_shows_the_newest(owner: Merchant) -> None:
    ask(owner.client)

    for cursor in ("x", "2026-01-01~x", "2026-01-01T00:00:00~" + "0" * 32, "~"):
        for name in ("before", "after"):
            assert len(runs_on(owner, f"{HISTORY}?{name}={cursor}")) == 1


def test_names_engines_in_words(owner: Merchant, engine: Engine) -> None:
    ask(owner.client)
    tasks.run(generation_id=str(Generation.objects.get().pk))

    page = read_page(owner.client.get(HISTORY))

    [cell] = every(page, "td", **{"data-label": "Engine"})
    assert words(cell) == "Our server"
