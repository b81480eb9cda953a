"""Other forms of a result for its download: format, ground behind what is transparent, shape.

The master stays as it is. What it says about its own making (XMP) goes along; nothing else does.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from PIL import Image, PngImagePlugin

from generations.media.decoding import Turns

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
RATIOS = ("1:1", "4:5", "3:4", "2:3", "9:16", "4:3", "3:2", "16:9")
JPEG_QUALITY, WEBP_QUALITY, PNG_LEVEL = 92, 90, 4
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_XMP_OF_PNG = "XML:com.adobe.xmp"
# Pixels of whole pictures are in memory meanwhile: few at once.
turns = Turns(2, 2)


class UnknownFormError(ValueError):
    """A form that no page offers."""


@dataclass(frozen=True)
class Form:
    """`kind` as in MEDIA_TYPES, `ground` a colour (#rrggbb) or empty, `ratio` as "4:5" or empty."""

    kind: str
    ground: str = ""
    ratio: str = ""

    @property
    def media_type(self) -> str:
        """Of the file that is made."""
        return MEDIA_TYPES[self.kind]


def read_form(asked: Mapping[str, str]) -> Form | None:
    """The form that an address asks for, None for the master; UnknownFormError for what is none."""
    kind = asked.get("format", "")
    if not kind:
        return None
    ground, ratio = asked.get("ground", ""), asked.get("ratio", "")
    if ground == "colour":
        ground = asked.get("colour", "")
    ground = {"white": "#ffffff"}.get(ground, ground)
    if kind not in MEDIA_TYPES or (ratio and ratio not in RATIOS):
        raise UnknownFormError(kind)
    if ground and not _COLOUR.fullmatch(ground):
        raise UnknownFormError(ground)
    return Form(kind, ground, ratio)


def convert(master: IO[bytes], form: Form, account_id: int = 0) -> bytes:
    """The picture in the form; raises Busy when too many wait, OSError for a damaged file."""
    with turns.take(account_id), Image.open(master) as opened:
        xmp = _xmp(opened)
        image: Image.Image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
        if form.ratio:
            image = _shaped(image, form.ratio)
        ground = form.ground or ("#ffffff" if form.kind == "jpeg" else "")
        if image.mode == "RGBA" and ground:
            image = _laid(image, ground)
        return _encoded(image, form.kind, xmp)


def _xmp(opened: Image.Image) -> bytes:
    found: Any = opened.info.get("xmp") or opened.info.get(_XMP_OF_PNG) or b""
    return found.encode() if isinstance(found, str) else bytes(found)


def _laid(image: Image.Image, ground: str) -> Image.Image:
    under = Image.new("RGBA", image.size, ground)
    return Image.alpha_composite(under, image).convert("RGB")


def _shaped(image: Image.Image, ratio: str) -> Image.Image:
    """The largest part of this shape; around a cut-out, all of which stays in the picture."""
    across, down = (int(part) for part in ratio.split(":"))
    box = image.getchannel("A").getbbox() if image.mode == "RGBA" else None
    width = min(image.width, image.height * across / down)
    if box is None:
        middle = (image.width / 2, image.height / 2)
    else:
        width = max(width, box[2] - box[0], (box[3] - box[1]) * across / down)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    size = (max(1, round(width)), max(1, round(width * down / across)))
    left, top = (
        _start(whole, part, centre)
        for whole, part, centre in zip(image.size, size, middle, strict=True)
    )
    # Beyond its edges a cut-out goes on as nothing.
    return image.crop((left, top, left + size[0], top + size[1]))


def _start(whole: int, part: int, centre: float) -> int:
    """Where a part begins that lies around a centre, inside the whole where it fits."""
    if part >= whole:
        return round(centre - part / 2)
    return min(max(0, round(centre - part / 2)), whole - part)


def _encoded(image: Image.Image, kind: str, xmp: bytes) -> bytes:
    stream = io.BytesIO()
    more: dict[str, Any] = {"xmp": xmp} if xmp else {}
    if kind == "png":
        text = PngImagePlugin.PngInfo()
        if xmp:
            text.add_itxt(_XMP_OF_PNG, xmp.decode("utf-8", "replace"))
        image.save(stream, "PNG", pnginfo=text, compress_level=PNG_LEVEL)
    elif kind == "jpeg":
        image.convert("RGB").save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0, **more)
    else:
        image.save(stream, "WEBP", quality=WEBP_QUALITY, method=4, **more)
    return stream.getvalue()
