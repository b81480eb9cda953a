from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generations.engines.fake_google.replies import from_b64
from generations.engines.google import raster
from generations.engines.google.client import Clients
from generations.engines.google.images import ImageRequest, make_image
from generations.engines.google.prompts import Prompt, Words, render
from tests.generations.engines.google.conftest import cloud_for, mask, picture


def ask(words="a mug", **changes):
    return ImageRequest(prompt=Prompt("You edit.", words), **changes)


def sent(fake):
    return fake.state.requests[0]


def sent_pictures(fake):
    parts = sent(fake)["body"]["contents"][0]["parts"]
    blobs = [part.get("inlineData") or part.get("inline_data") for part in parts]
    return [from_b64(blob["data"]) for blob in blobs if blob]


@pytest.mark.parametrize(
    ("size", "aspect", "pixels"),
    [
        ("1K", "1:1", 1024**2),
        ("1K", "1:8", 1024**2),
        ("2K", "16:9", 2048**2),
        ("4K", "3:4", 4096**2),
    ],
)
def test_it_makes_the_asked_size_and_ratio(clients, size, aspect, pixels):
    made = make_image(clients, ask(size=size, aspect=aspect))
    area = made.picture.width * made.picture.height
    assert abs(area - pixels) < pixels / 10
    assert made.model == "gemini-nano-banana-2.1"
    assert made.usage["candidates_token_count"] == 1120
    assert made.provider_bytes is None


def test_it_sends_what_google_reads(fake, clients):
    make_image(clients, ask(pictures=(picture(),), size="2K"))
    body = sent(fake)["body"]
    assert sent(fake)["path"] == "/v1/models/gemini-nano-banana-2.1:generateContent"
    assert body["generationConfig"]["responseModalities"] == ["IMAGE"]
    assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "4:3", "imageSize": "2K"}
    assert body["systemInstruction"]["parts"][0]["text"] == "You edit."
    assert fake.state.counts() == {"image": 1, "text": 0, "video_create": 0, "video_poll": 0}


def test_references_are_jpeg_of_2048_at_most_on_white(fake, clients):
    clear = picture(3000, 1500, (0, 0, 0, 0), mode="RGBA")
    make_image(clients, ask(pictures=(clear, picture(300, 300))))
    first, second = (Image.open(io.BytesIO(one)) for one in sent_pictures(fake))
    assert (first.format, first.size) == ("JPEG", (2048, 1024))
    assert first.getpixel((5, 5)) == (255, 255, 255)
    assert second.size == (300, 300)


def test_fourteen_pictures_go_along_and_fifteen_are_refused_before(fake, clients):
    make_image(clients, ask(pictures=(picture(),) * 14))
    assert len(sent_pictures(fake)) == 14
    with pytest.raises(ValueError, match="14"):
        make_image(clients, ask(pictures=(picture(),) * 15))
    with pytest.raises(ValueError, match="14"):
        make_image(clients, ask(pictures=(picture(),) * 14, mask=mask()))
    assert fake.state.counts()["image"] == 1


@pytest.mark.parametrize("changes", [{"size": "8K"}, {"aspect": "7:5"}, {"mask": b""}])
def test_what_the_sdk_lets_through_is_refused_here(fake, clients, changes):
    with pytest.raises(ValueError, match=r"size|ratio|mask"):
        make_image(clients, ask(**changes))
    assert fake.state.counts()["image"] == 0


def test_a_mask_of_another_size_is_refused(fake, clients):
    with pytest.raises(ValueError, match="mask"):
        make_image(clients, ask(pictures=(picture(),), mask=mask(10, 10)))
    assert fake.state.counts()["image"] == 0


@pytest.mark.parametrize("size", [(640, 480), (700, 500), (1600, 300)])
def test_everything_outside_the_mask_stays_the_merchants(fake, clients, size):
    box = (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2)
    original = picture(*size)
    made = make_image(clients, ask(pictures=(original,), mask=mask(size[0], size[1], box)))
    result = Image.open(io.BytesIO(made.picture.content))
    kept = Image.open(io.BytesIO(original)).resize(result.size, Image.Resampling.LANCZOS)
    scale = result.width / size[0]
    inside = tuple(round(edge * scale) for edge in box)
    changed = [
        (x, y)
        for x in range(0, result.width, 5)
        for y in range(0, result.height, 5)
        if result.getpixel((x, y)) != kept.getpixel((x, y))
    ]
    assert changed
    assert all(
        inside[0] - 3 <= x <= inside[2] + 3 and inside[1] - 3 <= y <= inside[3] + 3
        for x, y in changed
    )
    assert abs(result.width / result.height - size[0] / size[1]) < 0.01
    assert made.provider_bytes is not None
    assert made.provider_bytes != made.picture.content


def test_the_mask_goes_along_as_second_picture(fake, clients):
    make_image(clients, ask(pictures=(picture(700, 500), picture(64, 64)), mask=mask(700, 500)))
    first, second, third = (Image.open(io.BytesIO(one)) for one in sent_pictures(fake))
    assert first.size == second.size
    assert second.mode == "L"
    assert set(second.tobytes()) == {0, 255}
    assert third.size == (64, 64)


@pytest.mark.parametrize("marker", ["thoughts", "two", "mislabelled"])
def test_the_last_picture_that_is_no_thought_counts(clients, marker):
    made = make_image(clients, ask(f"[[fake:{marker}]]"))
    assert (made.picture.width, made.picture.height) == (1024, 1024)
    assert made.picture.media_type == ("image/jpeg" if marker == "mislabelled" else "image/png")


def test_the_fakes_picture_shows_what_went_in(clients):
    made = make_image(clients, ask(pictures=(picture(400, 400, (255, 0, 255)),)))
    shown = Image.open(io.BytesIO(made.picture.content)).convert("RGB")
    red, green, blue = np.asarray(shown)[shown.height * 3 // 4, shown.width // 2]
    assert red > 240
    assert green < 20
    assert blue > 240


def test_the_fake_fills_what_a_mask_marks(clients):
    request = ask(pictures=(picture(1024, 1024),), mask=mask(1024, 1024, (300, 300, 700, 700)))
    made = make_image(clients, request)
    master = Image.open(io.BytesIO(made.provider_bytes)).convert("RGB")
    assert master.getpixel((100, 500)) == pytest.approx((200, 40, 40), abs=6)
    assert master.getpixel((305, 690)) != pytest.approx((200, 40, 40), abs=6)


def test_google_cloud_makes_pictures_too(fake):
    made = make_image(Clients(cloud_for(fake)), ask(pictures=(picture(),)))
    assert made.picture.width > 1000
    path = "/v1beta1/projects/a-project/locations/us-central1/publishers/google/models/"
    assert sent(fake)["path"].startswith(path)


def test_safety_settings_are_the_operators(fake):
    clients = Clients(cloud_for(fake, safety={"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}))
    make_image(clients, ask())
    assert sent(fake)["body"]["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}
    ]


def test_a_whole_prompt_reaches_google(fake, clients):
    words = Words(merchant="on oak [[fake:thoughts]]", sources=1)
    make_image(clients, ImageRequest(render("ai-backgrounds", words), (picture(),)))
    parts = sent(fake)["body"]["contents"][0]["parts"]
    assert "<merchant_request>\non oak" in parts[-1]["text"]


@pytest.mark.parametrize("width", [1, 4, 12, 60, 400])
def test_the_seam_fades_inside_the_mark_however_thin(width):
    original, answer = Image.new("RGB", (1024, 1024), "red"), Image.new("RGB", (1024, 1024), "blue")
    marked = Image.open(io.BytesIO(mask(1024, 1024, (200, 200, 199 + width, 900))))
    result = raster.composite(original, marked, answer)
    assert np.asarray(result)[500, 200 + width // 2, 2] > 240
    for x in (0, 199, 200 + width, 1023):
        assert result.getpixel((x, 500)) == (255, 0, 0)
