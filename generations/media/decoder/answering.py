"""Decodes the picture on standard input, and makes a clean copy and a preview of it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Callable

from PIL import Image

from generations.media.decoder.answers import Answer, Question, Refused
from generations.media.decoder.colours import make_clean
from generations.media.decoder.opening import DECODING_ERRORS, open_picture
from generations.media.decoder.previews import make_preview

JPEG_QUALITY = 95
# libjpeg writes no longer side. PNG's limit is beyond any picture that comes in, and a preview is
# smaller than the 16,383 pixels of WebP.
MAX_JPEG_SIDE = 65_500


def answer(question: Question) -> None:
    """Answer the one question that this process was started for."""
    try:
        found = _work(sys.stdin.buffer.read(), question)
    except Refused as refused:
        found = {"refused": refused.code, **refused.found}  # type: ignore[typeddict-item]
    except (*DECODING_ERRORS, MemoryError):
        found = {"refused": "damaged"}
    sys.stdout.write(json.dumps(found))


def _work(content: bytes, question: Question) -> Answer:
    opened = open_picture(content, question["format"], _size_check(question))
    is_lossless = opened.is_lossless
    image = make_clean(opened)
    del opened, content
    _write(question["preview"], make_preview(image, question["preview_side"]))
    answer: Answer = {"width": image.width, "height": image.height}
    if question["copy"] is not None:
        media_format = _kept_as(image, question["max_lossless_pixels"], is_lossless=is_lossless)
        encoded = _encode(image, media_format)
        _write(question["copy"], encoded)
        answer |= {
            "media_format": media_format,
            "has_alpha": image.mode == "RGBA",
            "lightest": _lightest(image),
            "sha256": hashlib.sha256(encoded).hexdigest(),
        }
    return answer


def _size_check(question: Question) -> Callable[[int, int], None]:
    def check(width: int, height: int) -> None:
        if width * height > question["max_pixels"]:
            raise Refused("too_many_pixels", width=width, height=height)
        if min(width, height) < question["min_side"]:
            raise Refused("too_small", width=width, height=height)

    return check


def _kept_as(image: Image.Image, max_lossless_pixels: int, *, is_lossless: bool) -> str:
    """PNG for transparency, for small lossless pictures and beyond JPEG's limit, else JPEG."""
    if image.mode == "RGBA" or max(image.size) > MAX_JPEG_SIDE:
        return "PNG"
    return "PNG" if is_lossless and image.width * image.height <= max_lossless_pixels else "JPEG"


def _lightest(image: Image.Image) -> int:
    _darkest, lightest = image.convert("L").getextrema()
    assert isinstance(lightest, int | float)  # noqa: S101 - one channel, one pair
    return int(lightest)


def _encode(image: Image.Image, media_format: str) -> memoryview:
    stream = io.BytesIO()
    if media_format == "PNG":
        image.save(stream, "PNG", compress_level=2)
    else:
        # With full colour detail.
        image.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getbuffer()


def _write(descriptor: int, content: memoryview) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
