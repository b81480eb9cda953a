"""A preview of a look: small, marked, free, kept nowhere, ten a day."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import pytest
from PIL import Image

from credits.models import LedgerEntry
from ecomvance_app import rates
from generations import tasks
from generations.engines import registry
from generations.engines.base import Job, Output, Pending, PlatformError, Result
from generations.media import decoding
from generations.media.reading import UploadedImage
from generations.models import Generation
from generations.runs import batches
from generations.runs.batches import previews
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug, stored_files, upload
from tests.merchants import Merchant, make_merchant

ASK = "/dashboard/batches/preview"
HTMX = {"HX-Request": "true"}
GREY = Image.new("RGB", (1000, 800), (120, 120, 120))


class Painter(Engine):
    """Returns one grey picture of a thousand pixels, whatever it is given."""

    def run(self, job: Job) -> Result | Pending:
        super().run(job)
        made = Output("image", samples.encoded(GREY, "PNG"), "image/png", 1000, 800)
        return Result((made,), "local", "test-model", "real")


@pytest.fixture(autouse=True)
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    painter = Painter()
    monkeypatch.setattr(registry, "LOCAL", {batches.TOOL: painter})
    return painter


def ask(merchant: Merchant, **form: Any) -> Any:
    sent = {"key": "k", "resolution": "1K"} | (form or {"item": OneMug.mug.id})
    return merchant.client.post(ASK, sent, headers=HTMX)


def name_in(answer: Any) -> str:
    found = re.search(r"batches/preview/([0-9a-f]{32})", answer.text)
    assert found, answer.text
    return found[1]


def test_is_small_marked_and_free(owner: Merchant, painter: Painter) -> None:
    name = name_in(ask(owner, image=upload(), **{"option-ground": "transparent"}))

    tasks.preview(account_id=owner.account.pk, preview_id=name)

    page = owner.client.get(f"{ASK}/{name}", headers=HTMX)
    found = re.search(r"data:image/webp;base64,([\w+/=]+)", page.text)
    assert found
    picture = Image.open(io.BytesIO(base64.b64decode(found[1])))
    assert picture.size == (512, 410)
    # Marks lie in every quarter of what was one grey.
    for box in ((0, 0, 256, 205), (256, 0, 512, 205), (0, 205, 256, 410), (256, 205, 512, 410)):
        greys = picture.crop(box).convert("L").tobytes()
        assert max(greys) - min(greys) > 40
    (job,) = painter.jobs
    assert job.options["ground"] == "transparent"
    assert max(Image.open(io.BytesIO(job.inputs[0].content)).size) <= 512
    assert owner.total == 100
    assert LedgerEntry.objects.filter(kind="spend").count() == 0
    assert (Generation.objects.count(), stored_files(owner.account.pk)) == (0, [])


def test_waits_until_it_is_made(owner: Merchant) -> None:
    name = name_in(ask(owner))

    assert name in owner.client.get(f"{ASK}/{name}", headers=HTMX).text
    assert previews.read(owner.account.pk, name).state == "waiting"


def test_there_are_ten_a_day(owner: Merchant, second_shop: Merchant, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T12:00:00+00:00", tick=False)
    for _ in range(10):
        assert ask(owner).status_code == 200

    refused = ask(owner)

    assert refused.status_code == 422
    assert "10 previews a day" in refused.text
    assert ask(second_shop).status_code == 200
    time_machine.move_to("2026-11-21T12:00:00+00:00", tick=False)
    assert ask(owner).status_code == 200


def test_what_fails_says_so_and_is_not_made_twice(owner: Merchant, painter: Painter) -> None:
    painter.error = PlatformError("Weights are missing.")
    name = name_in(ask(owner))

    for _ in range(2):
        tasks.preview(account_id=owner.account.pk, preview_id=name)

    assert previews.read(owner.account.pk, name).message == "Weights are missing."
    assert painter.runs == 1


def test_a_bad_picture_counts_as_none(owner: Merchant) -> None:
    bad = upload()
    bad.file.seek(0)
    bad.file.truncate(9)

    assert ask(owner, image=bad).status_code == 422
    for _ in range(10):
        assert ask(owner).status_code == 200


def test_what_is_over_the_days_ten_is_not_decoded(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "MOST_A_DAY", 1)
    ask(owner)
    monkeypatch.setattr(decoding, "ask", None)

    assert "1 previews a day" in ask(owner).text


def test_what_comes_too_fast_is_not_decoded(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MOST_FREE_A_MINUTE", 1)
    monkeypatch.setattr(rates, "_this_minute", lambda: owner.account.pk)
    ask(owner)
    monkeypatch.setattr(decoding, "ask", None)

    assert "Wait a minute" in ask(owner).text


def test_the_whole_picture_is_not_taken_into_memory(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UploadedImage, "content", None)

    assert name_in(ask(owner, image=upload(samples.quarters(2000))))


def test_is_another_accounts_secret(owner: Merchant) -> None:
    name = name_in(ask(owner))
    tasks.preview(account_id=owner.account.pk, preview_id=name)

    assert "base64" not in make_merchant("Sam").client.get(f"{ASK}/{name}").text
