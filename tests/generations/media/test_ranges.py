"""Videos and texts leave by the same links as pictures, videos by parts."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from credits import ledger
from credits.signals import account_erased
from generations import tasks
from generations.engines import registry
from generations.engines.base import Output, Result
from generations.media import links
from generations.models import Generation, Picture
from generations.runs import request
from generations.runs.orders import Order, Requester
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.generations.mug_store import Callbacks, stored_files
from tests.merchants import Merchant

CONTENT = bytes(range(256)) * 600
SIZE = len(CONTENT)
TEXT = {"title": "Enamel mug", "description_html": "<p>Holds <b>tea</b>.</p>", "bullets": ["Red"]}


def made(owner: Merchant, monkeypatch: pytest.MonkeyPatch, output: Output) -> Generation:
    """A run that came out so."""
    engine = Engine()
    engine.result = Result((output,), "local", "test-model", "limited")
    monkeypatch.setitem(registry.LOCAL, "product-reels", engine)
    ledger.add_package(owner.account.pk, 1000, "pkg")
    requester = Requester(owner.account.pk, owner.person.pk, "web")
    order = Order("product-reels", seconds=4, product_id="gid://shopify/Product/1")
    run, _created = request.place(requester, order, "reel")
    tasks.run(generation_id=str(run.pk))
    run.refresh_from_db()
    return run


@pytest.fixture
def reel(owner: Merchant, monkeypatch: pytest.MonkeyPatch) -> Picture:
    poster = samples.encoded(samples.quarters(), "PNG")
    video = Output("video", CONTENT, "video/mp4", 720, 1280, 4.0, poster=poster)
    return made(owner, monkeypatch, video).pictures.get(role="output")


def fetch(client: Client, picture: Picture, wanted: str = "") -> tuple[int, bytes, str]:
    headers = {"Range": wanted} if wanted else {}
    response = client.get(links.link(picture), headers=headers)
    content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    return response.status_code, content, response.get("Content-Range", "")


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("", 200, 0, SIZE - 1),
        ("bytes=0-", 206, 0, SIZE - 1),
        ("bytes=100-199", 206, 100, 199),
        ("bytes=70000-", 206, 70000, SIZE - 1),
        ("bytes=-500", 206, SIZE - 500, SIZE - 1),
        ("bytes=-999999999", 206, 0, SIZE - 1),
        (f"bytes={SIZE - 1}-{SIZE + 50}", 206, SIZE - 1, SIZE - 1),
        ("bytes=0-1,5-6", 200, 0, SIZE - 1),
        ("bytes=-", 200, 0, SIZE - 1),
        ("lines=0-1", 200, 0, SIZE - 1),
    ],
)
def test_a_video_comes_by_the_part_that_was_asked_for(
    reel: Picture, client: Client, wanted: str, status: int, first: int, last: int
) -> None:
    answered, content, told = fetch(client, reel, wanted)

    assert answered == status
    assert content == CONTENT[first : last + 1]
    assert told == (f"bytes {first}-{last}/{SIZE}" if status == 206 else "")


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", "bytes=9-5", "bytes=-0"])
def test_a_part_beyond_the_end_is_416(reel: Picture, client: Client, wanted: str) -> None:
    assert fetch(client, reel, wanted) == (416, b"", f"bytes */{SIZE}")


def test_a_video_is_shown_with_its_poster_and_downloaded(
    owner: Merchant, reel: Picture, client: Client
) -> None:
    page = owner.client.get(f"/dashboard/runs/{reel.generation_id}").content.decode()

    assert "<video" in page
    assert "poster=" in page
    poster = client.get(links.link(reel, preview=True))
    assert poster["Content-Type"] == "image/webp"
    assert b"".join(poster.streaming_content).startswith(b"RIFF")  # type: ignore[attr-defined]
    download = client.get(links.link(reel, download=True))
    assert b"".join(download.streaming_content) == CONTENT  # type: ignore[attr-defined]
    assert download["Content-Disposition"] == (
        'attachment; filename="enamel-mug-product-reels.mp4"'
    )


def test_a_text_is_shown_as_text_and_has_no_file(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    run = made(owner, monkeypatch, Output("text", text=TEXT))

    page = owner.client.get(f"/dashboard/runs/{run.pk}").content.decode()
    history = owner.client.get("/dashboard/gallery")

    assert run.state == "succeeded"
    assert "<p>Holds <b>tea</b>.</p>" in page
    assert history.status_code == 200
    assert client.get(links.link(run.pictures.get(role="output"))).status_code == 404


def test_all_kinds_are_erased(
    owner: Merchant, reel: Picture, django_capture_on_commit_callbacks: Callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        account_erased.send(sender=None, account_id=owner.account.pk)

    assert not Picture.objects.exists()
    assert stored_files(owner.account.pk) == []
    assert not default_storage.exists(reel.preview)
