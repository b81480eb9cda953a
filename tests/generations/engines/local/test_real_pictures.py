"""Pictures as merchants have them, from the upload to the download, by the real engine."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from generations import tasks
from generations.models import Generation
from tests.generations import sample_pictures as samples
from tests.generations.mug_store import ask
from tests.merchants import Merchant

TWELVE_MEGAPIXELS = (4243, 2828)


def cut_out(merchant: Merchant, name: str, content: bytes) -> Image.Image:
    """Upload a file, let a worker do the run, and download the result from the run's page."""
    response = ask(merchant.client, image=SimpleUploadedFile(name, content))
    assert response.status_code == 201, response.content.decode()
    run = Generation.objects.get()
    tasks.run(generation_id=str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.outcome, run.engine, run.label) == (
        "succeeded", "delivered", "local", "real",
    ), run.error  # fmt: skip
    page = merchant.client.get(f"/dashboard/runs/{run.pk}").content.decode()
    links = [tag for tag in re.findall(r"<a [^>]*>", page) if " download" in tag]
    [address] = {re.findall(r'href="(/files/[^"]+)"', tag)[0] for tag in links}
    download = merchant.client.get(address)
    assert download["Content-Type"] == "image/png"
    image = Image.open(io.BytesIO(b"".join(download.streaming_content)))  # type: ignore[attr-defined]
    image.load()
    assert (image.format, image.mode) == ("PNG", "RGBA")
    assert merchant.total == 80
    return image


def alpha_of(image: Image.Image) -> np.ndarray:
    return np.asarray(image.getchannel("A"))


@pytest.mark.parametrize(
    ("photo", "file_format", "size"),
    [
        ("coffee.png", "PNG", None),
        ("chelsea.png", "HEIC", None),
        ("coffee.png", "HEIC", None),
        ("coffee.png", "JPEG", TWELVE_MEGAPIXELS),
    ],
)
def test_the_product_stands_alone_at_full_size(
    owner: Merchant,
    photographs: Path,
    photo: str,
    file_format: str,
    size: tuple[int, int] | None,
) -> None:
    with Image.open(photographs / photo) as image:
        source = image.convert("RGB").resize(size or image.size)

    result = cut_out(owner, f"IMG_0001.{file_format}", samples.encoded(source, file_format))

    assert result.size == source.size
    alpha = alpha_of(result)
    kept = float((alpha > 127).mean())
    assert 0.1 < kept < 0.9
    # What is taken for the product lies in the middle of these photographs, ground at a corner.
    middle = alpha[alpha.shape[0] // 2, alpha.shape[1] // 2]
    assert (middle, alpha[:5].min()) == (255, 0)


def test_what_was_transparent_stays_so(owner: Merchant, photographs: Path) -> None:
    with Image.open(photographs / "coffee.png") as image:
        source = image.convert("RGB")
    width, height = source.size
    mask = Image.new("L", source.size, 0)
    ImageDraw.Draw(mask).ellipse((60, 20, width - 60, height - 20), fill=255)
    source.putalpha(mask)

    result = cut_out(owner, "cup.png", samples.encoded(source, "PNG"))

    assert result.size == (width, height)
    before, after = alpha_of(source), alpha_of(result)
    assert after[before == 0].max() == 0
    assert 0.1 < float((after > 127).mean()) < float((before > 127).mean())
