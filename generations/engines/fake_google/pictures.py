"""Draws the fake's pictures out of the pictures that were sent, so that one sees what went in."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

from generations.engines.fake_google.markers import Marker

SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
_JPEG_FROM = 2048
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


@dataclass(frozen=True)
class Order:
    """What is to be drawn: the prompt, the pictures that came with it, the wished format."""

    prompt: str
    model: str
    pictures: tuple[bytes, ...]
    aspect: str = "1:1"
    size: str = "1K"


@dataclass(frozen=True)
class Drawn:
    """A picture and the type it is called by."""

    content: bytes
    media_type: str


def pixel_size(aspect: str, size: str) -> tuple[int, int]:
    """Width and height of that class at that ratio, in steps of 16 as the real models have."""
    across, down = (int(part) for part in aspect.split(":"))
    side = SIDES.get(size, 1024)
    width = side * math.sqrt(across / down)
    return round(width / 16) * 16, round(side * side / width / 16) * 16


def draw(order: Order, scale: float = 1) -> Image.Image:
    """The inputs side by side on a ground that the prompt chose, marked as a test image."""
    full_width, full_height = pixel_size(order.aspect, order.size)
    width, height = max(1, int(full_width * scale)), max(1, int(full_height * scale))
    canvas = Image.new("RGB", (width, height), _ground(order.prompt))
    mask = _mask(order.pictures)
    if mask is not None:
        return _fill_marked(canvas, order, mask)
    strip = max(1, height // 8)
    _place_inputs(canvas, order.pictures, height - strip)
    _sign(canvas, order, strip)
    return canvas


def _mask(pictures: tuple[bytes, ...]) -> Image.Image | None:
    """The second picture if it is a mask: black and white, as large as the first."""
    if len(pictures) < 2:
        return None
    with (
        Image.open(io.BytesIO(pictures[0])) as first,
        Image.open(io.BytesIO(pictures[1])) as second,
    ):
        is_mask = second.mode == "L" and second.format == "PNG" and first.size == second.size
        return second.copy() if is_mask else None


def _fill_marked(canvas: Image.Image, order: Order, mask: Image.Image) -> Image.Image:
    """The first picture with "test image" written all over what the mask marks."""
    size = max(8, canvas.height // 40)
    font = ImageFont.load_default(size=size)
    pen = ImageDraw.Draw(canvas)
    line = "test image   " * (canvas.width // (4 * size) + 1)
    for top in range(0, canvas.height, 2 * size):
        pen.text((size, top), line, font=font, fill=(30, 34, 40))
    with Image.open(io.BytesIO(order.pictures[0])) as first:
        whole = first.convert("RGB").resize(canvas.size)
    return Image.composite(canvas, whole, mask.resize(canvas.size))


def _ground(prompt: str) -> tuple[int, int, int]:
    digest = hashlib.sha256(prompt.encode()).digest()
    return 120 + digest[0] // 3, 120 + digest[1] // 3, 120 + digest[2] // 3


def _place_inputs(canvas: Image.Image, pictures: tuple[bytes, ...], height: int) -> None:
    if not pictures:
        return
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    cell = (max(1, canvas.width // columns), max(1, height // rows))
    for number, content in enumerate(pictures):
        with Image.open(io.BytesIO(content)) as source:
            frame = (max(1, cell[0] * 9 // 10), max(1, cell[1] * 9 // 10))
            picture = ImageOps.contain(source.convert("RGB"), frame)
        left = number % columns * cell[0] + (cell[0] - picture.width) // 2
        top = number // columns * cell[1] + (cell[1] - picture.height) // 2
        canvas.paste(picture, (left, top))


def _sign(canvas: Image.Image, order: Order, strip: int) -> None:
    pen = ImageDraw.Draw(canvas)
    top = canvas.height - strip
    pen.rectangle((0, top, canvas.width, canvas.height), fill=(30, 34, 40))
    words = f"test image  {order.model}  {len(order.pictures)} in"
    size = max(8, min(strip // 2, canvas.width // 24))
    font = ImageFont.load_default(size=size)
    pen.text((size // 2, top + strip // 4), words, font=font, fill=(255, 214, 90))


def encode(picture: Image.Image) -> Drawn:
    """PNG for small ones, JPEG for large ones: callers must not count on either."""
    buffer = io.BytesIO()
    if max(picture.size) >= _JPEG_FROM:
        picture.save(buffer, "JPEG", quality=92)
        return Drawn(buffer.getvalue(), "image/jpeg")
    picture.save(buffer, "PNG", compress_level=1)
    return Drawn(buffer.getvalue(), "image/png")


def answer(order: Order, marker: Marker) -> Drawn:
    """The picture, or what the marker wants in its place."""
    instead = _INSTEAD.get(marker.name)
    return instead(order) if instead else _spoiled(encode(draw(order)), order, marker)


_INSTEAD: dict[str, Callable[[Order], Drawn]] = {
    "1x1": lambda _order: encode(Image.new("RGB", (1, 1), (90, 90, 90))),
    "half-size": lambda order: encode(draw(order, 0.5)),
    "blank": lambda order: encode(Image.new("RGB", pixel_size(order.aspect, order.size))),
    "not-a-picture": lambda _order: Drawn(b"<!doctype html><p>no picture</p>" * 20, "image/png"),
    "svg": lambda _order: Drawn(_SVG, "image/png"),
    "bomb": lambda _order: Drawn(_png_header(30_000), "image/png"),
}


def _spoiled(drawn: Drawn, order: Order, marker: Marker) -> Drawn:
    buffer = io.BytesIO()
    if marker.name == "gif":
        draw(order).save(buffer, "GIF")
        return Drawn(buffer.getvalue(), "image/gif")
    if marker.name == "mislabelled":
        draw(order).save(buffer, "JPEG")
        return Drawn(buffer.getvalue(), "image/png")
    if marker.name == "truncated":
        return Drawn(drawn.content[: len(drawn.content) // 2], drawn.media_type)
    return drawn


def _png_header(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
