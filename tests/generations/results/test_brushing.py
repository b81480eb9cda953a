"""The brush on a cut-out: free, undoable, beside the master, and for its owner alone."""

from __future__ import annotations

import contextlib
import io
import json
import re

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from PIL import Image

from generations.engines.base import Output, Result
from generations.media import storage
from generations.models import Generation, Picture
from generations.runs import worker
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.generations.mug_store import ask, stored_files, upload
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
ERASE = {"mode": "erase", "radius": 0.1, "points": [[0.5, 0.5]]}
KEEP = {"mode": "keep", "radius": 0.05, "points": [[0.1, 0.1], [0.2, 0.1]]}


@pytest.fixture
def run(owner: Merchant, engine: Engine) -> Generation:
    content = samples.encoded(samples.see_through(480, 320), "PNG")
    engine.result = Result(
        (Output("image", content, "image/png", 480, 320),), "local", "test-model", "real"
    )
    ask(owner.client, image=upload())
    made = Generation.objects.get()
    worker.run(str(made.pk))
    return made


def brush(merchant: Merchant, run: Generation, strokes: object) -> HttpResponse:
    sent = {"strokes": json.dumps(strokes)}
    address = f"/dashboard/runs/{run.pk}/brush"
    return merchant.client.post(address, sent, headers={"HX-Request": "true"})  # type: ignore[return-value]


def outputs(run: Generation) -> list[Picture]:
    return list(run.pictures.filter(role=Picture.Role.OUTPUT).order_by("position"))


def alpha(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(storage.read(picture))).getchannel("A"))


def test_strokes_make_a_further_output_and_cost_nothing(owner: Merchant, run: Generation) -> None:
    [master] = outputs(run)
    before, total = storage.read(master), owner.total

    assert brush(owner, run, [ERASE, KEEP]).status_code == 200

    kept, made = outputs(run)
    assert (kept.pk, storage.read(kept)) == (master.pk, before)
    assert (made.width, made.height) == (480, 320)
    assert (alpha(made)[160, 240], alpha(made)[32, 70]) == (0, 255)
    assert owner.total == total
    # What the page shows and offers is the corrected one.
    page = owner.client.get(f"/dashboard/runs/{run.pk}").content.decode()
    [download] = re.findall(r'<form[^>]*action="(/files/[^"]+)"[^>]*data-download-form', page)
    with contextlib.closing(owner.client.get(download)) as downloaded:
        assert downloaded.getvalue() == storage.read(made)


def test_less_strokes_are_laid_on_the_master_anew(owner: Merchant, run: Generation) -> None:
    brush(owner, run, [ERASE, KEEP])
    files = len(stored_files(owner.account.pk))

    brush(owner, run, [KEEP])

    master, made = outputs(run)
    assert alpha(made)[160, 240] == alpha(master)[160, 240] == 255
    assert made.strokes == [KEEP]
    assert default_storage.exists(made.file)
    assert len(stored_files(owner.account.pk)) <= files + 1

    brush(owner, run, [])
    assert outputs(run) == [master]


def test_the_editor_begins_with_what_was_painted(owner: Merchant, run: Generation) -> None:
    brush(owner, run, [KEEP])

    page = owner.client.get(f"/dashboard/runs/{run.pk}/brush").content.decode()

    [kept] = re.findall(r'id="kept-strokes" type="application/json">(.*?)</script>', page)
    assert json.loads(kept) == [KEEP]


@pytest.mark.parametrize(
    "strokes",
    [None, "x", [{"mode": "paint"}], [{**KEEP, "radius": 9}], [{**KEEP, "radius": 10**400}]],
)
def test_what_is_no_stroke_is_refused(owner: Merchant, run: Generation, strokes: object) -> None:
    assert brush(owner, run, strokes).status_code == 422
    assert len(outputs(run)) == 1


def test_no_whole_picture_is_taken_into_the_memory_of_the_web_process(
    owner: Merchant, run: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", None)

    assert brush(owner, run, [ERASE]).status_code == 200


def test_a_cut_out_that_is_damaged_is_told(owner: Merchant, run: Generation) -> None:
    [master] = outputs(run)
    default_storage.delete(master.file)
    default_storage.save(master.file, ContentFile(b"\x89PNG and no more"))

    answer = brush(owner, run, [ERASE])

    assert "Try again in a minute" in answer.content.decode()
    assert len(outputs(run)) == 1


def test_another_account_finds_nothing(
    owner: Merchant, second_shop: Merchant, run: Generation
) -> None:
    assert brush(second_shop, run, [KEEP]).status_code == 404
    assert second_shop.client.get(f"/dashboard/runs/{run.pk}/brush").status_code == 404
    assert len(outputs(run)) == 1


def test_a_run_without_a_cut_out_has_no_brush(owner: Merchant, engine: Engine) -> None:
    ask(owner.client)
    waiting = Generation.objects.get()

    assert owner.client.get(f"/dashboard/runs/{waiting.pk}/brush").status_code == 404
    assert brush(owner, waiting, [KEEP]).status_code == 409
