"""The small picture that pages show in place of a large one."""

from __future__ import annotations

import io

from PIL import Image

PREVIEW_QUALITY = 82


def make_preview(image: Image.Image, side: int) -> memoryview:
    """A WebP of at most `side` pixels a side, with transparency."""
    scale = min(1.0, side / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=PREVIEW_QUALITY, method=4)
    return stream.getbuffer()
