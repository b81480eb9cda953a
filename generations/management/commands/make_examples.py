"""`manage.py make_examples`: the small pictures of the tools page, made by the tools themselves.

They lie in static/img/examples and are part of the project; this makes them anew from the demo
store's photos when an engine has changed.
"""

from __future__ import annotations

import io
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from PIL import Image, ImageDraw, ImageOps

from generations import catalog, options
from generations.engines import registry
from generations.engines.base import InputPicture, Job, finished
from generations.pages.tools_page import EXAMPLES, example_file

SIZE = (320, 240)
QUALITY = 80
SECONDS = 300.0
# Where a picture's detail is seen: shares of its width and height.
DETAIL = (0.3, 0.15, 0.7, 0.6)
SECOND_LINE = (0.24, 0.675, 0.74, 0.75)


@dataclass(frozen=True)
class Example:
    """How one tool is shown: its photos, what it is told, and which part of them is looked at."""

    photos: tuple[str, ...]
    chosen: dict[str, object] = field(default_factory=dict)
    mask: tuple[float, float, float, float] | None = None
    reference: str = ""
    detail: tuple[float, float, float, float] | None = None


SHOWN = {
    "background-removal": Example(("coffee.png",)),
    "object-removal": Example(("canvas-tote.jpg",), mask=SECOND_LINE),
    "image-enhance": Example(("chelsea.png",), detail=DETAIL),
    "product-placement": Example(
        ("sea-buckthorn-serum.jpg", "cedar-candle.jpg", "stoneware-mug.jpg"), {"set": "podium"}
    ),
    "ai-shadowing": Example(("sea-buckthorn-serum.jpg",), {"shadow": "cast", "strength": 60}),
    "style-cloning": Example(("stoneware-mug.jpg",), {"strength": 90}, reference="coffee.png"),
    "ai-backgrounds": Example(("stoneware-mug.jpg",), {"set": "window-light"}),
    "product-reels": Example(("brass-table-lamp.jpg",), {"frame": "1:1"}),
}


class Command(BaseCommand):
    """Development only: it writes into the checkout."""

    help = "Makes the before and after pictures of the tools page anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--photos", type=Path, help="default: the demo store's photos")
        parser.add_argument("--tool", action="append", choices=EXAMPLES, help="only these tools")

    def handle(self, *args: Any, **given: Any) -> None:
        folder: Path = given["photos"] or Path(settings.DATA_DIR) / "demo_photos"
        for slug in given["tool"] or EXAMPLES:
            missing = [name for name in SHOWN[slug].photos if not (folder / name).is_file()]
            if missing:
                raise CommandError(f"There is no {missing[0]} in {folder}.")
            _make(slug, SHOWN[slug], lambda name: (folder / name).read_bytes())
            self.stdout.write(slug)


def _make(slug: str, example: Example, read: Callable[[str], bytes]) -> None:
    tool = catalog.TOOLS[slug]
    photos = [read(name) for name in example.photos]
    variant = tool.variants[0]
    result = finished(
        registry.LOCAL[slug].run(
            Job(
                tool=slug,
                deadline=time.monotonic() + SECONDS,
                inputs=tuple(_input(photo) for photo in photos),
                mask=_mask(photos[0], example.mask) if example.mask else None,
                reference=_input(read(example.reference)) if example.reference else None,
                options=options.clean(tool.options, example.chosen),
                resolution=variant.resolution or "",
                seconds=variant.seconds,
            )
        )
    )
    [output] = result.outputs
    pictures = {"before": _side_by_side(photos), "after": _opened(output.poster or output.content)}
    for side, picture in pictures.items():
        path = Path(settings.BASE_DIR) / "static" / example_file(slug, side)
        path.parent.mkdir(parents=True, exist_ok=True)
        _small(picture, example.detail).save(path, "WEBP", quality=QUALITY, method=6)


def _opened(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGBA")


def _input(content: bytes) -> InputPicture:
    stream = io.BytesIO()
    _opened(content).convert("RGB").save(stream, "PNG")
    return InputPicture(stream.getvalue(), "image/png")


def _mask(content: bytes, share: tuple[float, float, float, float]) -> InputPicture:
    size = _opened(content).size
    mask, stream = Image.new("L", size), io.BytesIO()
    box = [part * size[at % 2] for at, part in enumerate(share)]
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    mask.save(stream, "PNG")
    return InputPicture(stream.getvalue(), "image/png")


def _side_by_side(photos: list[bytes]) -> Image.Image:
    width = SIZE[0] * 2 // len(photos)
    whole = Image.new("RGBA", (width * len(photos), SIZE[1] * 2))
    if len(photos) == 1:
        return _opened(photos[0])
    for number, photo in enumerate(photos):
        whole.paste(ImageOps.fit(_opened(photo), (width, SIZE[1] * 2)), (number * width, 0))
    return whole


def _small(picture: Image.Image, detail: tuple[float, float, float, float] | None) -> Image.Image:
    if detail:
        left, top, right, bottom = detail
        width, height = picture.size
        picture = picture.crop(
            (round(left * width), round(top * height), round(right * width), round(bottom * height))
        )
    return ImageOps.fit(picture, SIZE, Image.Resampling.LANCZOS)
