"""The gallery: views and filters, forward and back, and what is done to many at once."""

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

GALLERY = "/dashboard/gallery"
LIST = f"{GALLERY}?layout=list"


def runs_on(owner: Merchant, address: str) -> list[str]:
    """The addresses of the runs that a page of the gallery lists, in its order."""
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

    forward = [LIST]
    while older := link(owner, forward[-1], "Older"):
        forward.append(older)
    pages = [runs_on(owner, address) for address in forward]

    assert [len(page) for page in pages] == [24, 24, 12]
    assert link(owner, LIST, "Newer") == ""
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
        state: runs_on(owner, f"{LIST}&state={state}")
        for state in ("", "queued", "running", "succeeded", "failed", "cancelled")
    }

    assert {state: shown for state, shown in views.items() if state} == {
        "queued": [address_of["waiting"]],
        "running": [],
        "succeeded": [address_of["delivered"]],
        "failed": [address_of["failed"]],
        "cancelled": [address_of["cancelled"]],
    }
    assert len(views[""]) == 4
    assert runs_on(owner, link(owner, LIST, "Failed")) == [address_of["failed"]]
    assert runs_on(owner, link(owner, LIST, "To review")) == [address_of["delivered"]]
    page = words(read_page(owner.client.get(GALLERY, {"state": "running"})))
    assert "Nothing fits these filters" in page


def test_a_cursor_of_somebodys_own_making_shows_the_newest(owner: Merchant) -> None:
    ask(owner.client)

    for cursor in ("x", "2026-01-01~x", "2026-01-01T00:00:00~" + "0" * 32, "~"):
        for name in ("before", "after"):
            assert len(runs_on(owner, f"{LIST}&{name}={cursor}")) == 1


def test_names_engines_in_words(owner: Merchant, engine: Engine) -> None:
    ask(owner.client)
    tasks.run(generation_id=str(Generation.objects.get().pk))

    page = read_page(owner.client.get(LIST))

    [cell] = every(page, "td", **{"data-label": "Made by"})
    assert words(cell) == "Our server"
