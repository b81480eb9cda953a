"""Writes the picture on standard input in another form, to standard output."""

from __future__ import annotations

import io
import sys
from typing import Any

from PIL import Image, PngImagePlugin

JPEG_QUALITY, WEBP_QUALITY, PNG_LEVEL = 92, 90, 4
_XMP_OF_PNG = "XML:com.adobe.xmp"


def answer(form: dict[str, str]) -> None:
    """Answer the one question that this process was started for: a Form of `conversions`."""
    # No picture of a stranger, so its size is none that could surprise.
    Image.MAX_IMAGE_PIXELS = None
    sys.stdout.buffer.write(_convert(sys.stdin.buffer.read(), **form))


def _convert(content: bytes, kind: str, ground: str, ratio: str) -> bytes:
    with Image.open(io.BytesIO(content)) as opened:
        xmp = _xmp(opened)
        image: Image.Image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    if ratio:
        image = _shaped(image, ratio)
    ground = ground or ("#ffffff" if kind == "jpeg" else "")
    if image.mode == "RGBA" and ground:
        image = _laid(image, ground)
    return _encoded(image, kind, xmp)


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
