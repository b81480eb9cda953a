"""The gallery's page: search and filters, zip, delete, restore, and whose results they are."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credits import ledger
from generations import tasks
from generations.models import Batch, BatchItem, Generation
from tests.generations.engine import Engine
from tests.generations.mug_store import ask, upload
from tests.merchants import Merchant, make_person
from tests.page_reading import attribute, every, read_page, words

GALLERY = "/dashboard/gallery"
ACT = "/dashboard/gallery/act"
HTMX = {"HX-Request": "true"}


def make(owner: Merchant, key: str = "k1", **fields: Any) -> Generation:
    """A run that has ended, with columns as told."""
    known = set(Generation.objects.values_list("pk", flat=True))
    assert ask(owner.client, key=key, image=upload(name=f"{key}.png")).status_code == 201
    run = Generation.objects.exclude(pk__in=known).get()
    tasks.run(generation_id=str(run.pk))
    Generation.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


def shown(owner: Merchant, **query: str) -> set[str]:
    """The ids of the runs that the gallery shows."""
    page = read_page(owner.client.get(GALLERY, query))
    return {attribute(box, "value") for box in every(page, "input", name="run")}


@pytest.fixture(autouse=True)
def package(owner: Merchant, engine: Engine) -> None:
    ledger.add_package(owner.account.pk, 2000, "p")


def test_old_addresses_lead_to_the_same_runs(owner: Merchant) -> None:
    answer = owner.client.get("/dashboard/history?state=failed&before=x")

    assert answer["Location"] == f"{GALLERY}?state=failed&before=x"
    assert owner.client.get("/dashboard/history")["Location"] == GALLERY


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "enamel"}, "mug"),
        ({"q": "ENAMEL mug"}, "mug"),
        ({"q": "enamel lamp"}, ""),
        ({"q": "beach"}, "lamp"),
        ({"q": "100%"}, ""),
        ({"tool": "image-enhance"}, "lamp"),
        ({"label": "limited"}, "lamp"),
        ({"label": "real", "tool": "image-enhance"}, ""),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "mug"),
        ({"from": "2026-03-03"}, "lamp"),
        ({"to": "2026-03-01"}, ""),
    ],
)
def test_search_and_filters(owner: Merchant, query: dict[str, str], found: str) -> None:
    # Half past six in the evening of 1 March in UTC is the second of March in Kolkata.
    owner.account.time_zone = "Asia/Kolkata"
    owner.account.save(update_fields=["time_zone"])
    first = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    runs = {
        "mug": make(owner, "k1", product_title="Enamel mug", created_at=first),
        "lamp": make(
            owner, "k2", prompt="On a beach", tool="image-enhance", label="limited",
            created_at=first + timedelta(days=2),
        ),
    }  # fmt: skip

    assert shown(owner, **query) == ({str(runs[found].pk)} if found else set())


def test_filters_stand_open_while_they_narrow(owner: Merchant) -> None:
    folded, opened = (
        owner.client.get("/dashboard/gallery", query).content.decode()
        for query in ({}, {"tool": "background-removal"})
    )

    assert re.search(r"gallery-filters__more\"\s*>", folded)
    assert re.search(r"gallery-filters__more\" open>", opened)


def test_filters_by_person(owner: Merchant) -> None:
    mine = make(owner)
    theirs = make(owner, "k2", requested_by=make_person("Mia"))

    assert shown(owner, person=str(owner.person.pk)) == {str(mine.pk)}
    assert shown(owner, person=str(theirs.requested_by_id)) == {str(theirs.pk)}
    page = read_page(owner.client.get(GALLERY))
    [people] = every(page, "select", name="person")
    assert "mia" in words(people).lower()


def test_what_cannot_be_read_filters_nothing(owner: Merchant) -> None:
    run = make(owner)

    for name in ("view", "tool", "state", "label", "person", "from", "to", "layout", "before"):
        for value in ("x", "-1", "0001-01-01", "9" * 40, "²"):
            assert shown(owner, **{name: value}) == {str(run.pk)}, (name, value)


def test_deleted_runs_can_be_restored_for_30_days(owner: Merchant, time_machine: Any) -> None:
    run, other = make(owner), make(owner, "k2")
    now = timezone.now()
    time_machine.move_to(now, tick=False)

    answer = owner.client.post(ACT, {"act": "delete", "run": str(run.pk)}, headers=HTMX)

    assert "1 run deleted" in answer["HX-Trigger"]
    assert str(run.pk) not in answer.text
    assert shown(owner) == {str(other.pk)}
    assert shown(owner, view="deleted") == {str(run.pk)}
    assert "Restorable until" in words(read_page(owner.client.get(GALLERY, {"view": "deleted"})))
    time_machine.move_to(now + timedelta(days=29, hours=23), tick=False)
    owner.client.force_login(owner.person)
    owner.client.post(ACT, {"act": "restore", "run": str(run.pk), "back": "view=deleted"})
    assert shown(owner) == {str(run.pk), str(other.pk)}

    owner.client.post(ACT, {"act": "delete", "run": str(run.pk)})
    time_machine.move_to(now + timedelta(days=61), tick=False)
    owner.client.force_login(owner.person)
    assert shown(owner, view="deleted") == set()
    owner.client.post(ACT, {"act": "restore", "run": str(run.pk)})
    assert shown(owner) == {str(other.pk)}


def test_a_run_that_has_not_ended_stays(owner: Merchant) -> None:
    ask(owner.client)
    run = Generation.objects.get()

    owner.client.post(ACT, {"act": "delete", "run": str(run.pk)})

    assert shown(owner) == {str(run.pk)}


def test_results_wait_for_a_review(owner: Merchant) -> None:
    good, bad = make(owner), make(owner, "k2")
    assert shown(owner, view="review") == {str(good.pk), str(bad.pk)}

    owner.client.post(ACT, {"act": "accepted", "run": str(good.pk), "back": "view=review"})
    owner.client.post(ACT, {"act": "rejected", "run": str(bad.pk)})

    assert shown(owner, view="review") == set()
    reviews = dict(Generation.objects.values_list("pk", "review"))
    assert reviews == {good.pk: "accepted", bad.pk: "rejected"}


def test_an_act_leads_back_to_the_same_page(owner: Merchant) -> None:
    run = make(owner, product_title="Mug & Söhne")

    answer = owner.client.post(
        ACT, {"act": "accepted", "run": str(run.pk), "back": "q=Mug+%26+S%C3%B6hne&layout=list"}
    )

    assert answer["Location"] == f"{GALLERY}?q=Mug+%26+S%C3%B6hne&layout=list"


def test_a_zip_has_every_chosen_result_once(owner: Merchant, engine: Engine) -> None:
    runs = [make(owner, f"k{n}", product_title="Mug/../../etc") for n in range(3)]
    ask(owner.client, key="w")
    waiting = Generation.objects.get(state="queued")

    answer = owner.client.post(ACT, {"act": "zip", "run": [r.pk for r in (*runs, waiting)]})
    download = Client().get(answer["Location"])

    assert download["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(download.getvalue())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(names)) == len(names) == 3
        assert not any("/" in name or ".." in name for name in names)
        made = engine.result.outputs[0].content
        assert {archive.read(name) for name in names} == {made}


def test_the_page_offers_the_zip_where_scripts_asked(owner: Merchant) -> None:
    run = make(owner)

    answer = owner.client.post(ACT, {"act": "zip", "run": str(run.pk)}, headers=HTMX)
    assert 'href="/archives/' in answer.text
    assert answer["HX-Retarget"] == "#gallery-zip"
    nothing = owner.client.post(ACT, {"act": "zip"}, headers=HTMX)
    assert "Choose results that are ready" in nothing.text


def test_a_zips_link_is_forged_or_too_old(owner: Merchant, time_machine: Any) -> None:
    run = make(owner)
    link = owner.client.post(ACT, {"act": "zip", "run": str(run.pk)})["Location"]

    assert Client().get(f"{link[:-2]}xx").status_code == 404
    time_machine.move_to(timezone.now() + timedelta(minutes=16))
    assert Client().get(link).status_code == 410


def test_nobody_acts_on_another_accounts_runs(owner: Merchant, second_shop: Merchant) -> None:
    run = make(owner)
    for act in ("delete", "accepted", "rejected"):
        second_shop.client.post(ACT, {"act": act, "run": str(run.pk)})
    zipped = second_shop.client.post(ACT, {"act": "zip", "run": str(run.pk)}, headers=HTMX)

    assert "/archives/" not in zipped.text
    run.refresh_from_db()
    assert (run.deleted_at, run.review) == (None, "")
    owner.client.post(ACT, {"act": "delete", "run": str(run.pk)})
    second_shop.client.post(ACT, {"act": "restore", "run": str(run.pk)})
    assert shown(owner, view="deleted") == {str(run.pk)}


def test_ten_thousand_results_cost_no_more_questions_and_a_small_page(owner: Merchant) -> None:
    run = make(owner, product_title="Enamel mug")

    def look() -> list[tuple[int, int]]:
        seen = []
        for query in ({}, {"layout": "list"}, {"q": "mug", "view": "review"}):
            with CaptureQueriesContext(connection) as captured:
                answer = owner.client.get(GALLERY, query)
            seen.append((len(captured), len(answer.content)))
        return seen

    few = look()
    columns = {
        field.attname: getattr(run, field.attname)
        for field in Generation._meta.concrete_fields
        if field.attname not in ("id", "key", "spend_id", "price")
    }
    Generation.objects.bulk_create(
        Generation(**columns, key=f"key {number}", price=0) for number in range(10_000)
    )
    many = look()

    assert [count for count, _size in many] == [count for count, _size in few]
    assert max(size for _count, size in many) < 100_000


def test_filters_by_batch(owner: Merchant) -> None:
    run, other = make(owner), make(owner, "k2")
    batch = Batch.objects.create(
        account=owner.account, key="b", tool=run.tool, total=1, price=20, surface="web",
        priced_at=timezone.now(), created_at=timezone.now(),
    )  # fmt: skip
    failed = make(owner, "k3")
    Generation.objects.filter(pk=failed.pk).update(
        batch=batch, state="failed", outcome="provider_error"
    )
    Generation.objects.filter(pk=run.pk).update(batch=batch)
    # The item names its newest run; the one before it has failed.
    BatchItem.objects.create(batch=batch, position=1, run=run, charges=2)

    assert shown(owner, batch=str(batch.pk)) == {str(run.pk), str(failed.pk)}
    assert shown(owner, batch=str(batch.pk), view="failed") == {str(failed.pk)}
    assert shown(owner, batch="x") == {str(run.pk), str(other.pk), str(failed.pk)}
    [batches] = every(read_page(owner.client.get(GALLERY)), "select", name="batch")
    assert str(batch.pk) in {attribute(one, "value") for one in every(batches, "option")}
