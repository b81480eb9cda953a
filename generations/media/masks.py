"""Masks that merchants paint in the browser, on a smaller copy of their picture."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

from PIL import Image

from generations.media.reading import UploadedImage

# A copy's sides are rounded, so its shape may differ from the picture's by so much.
_TOLERANCE = 0.02


def enlarged(mask: UploadedImage, picture: UploadedImage) -> UploadedImage:
    """The mask as large as the picture, black and white; unchanged where the shapes differ."""
    ratio = (mask.width / mask.height) / (picture.width / picture.height)
    if abs(ratio - 1) > _TOLERANCE or (mask.width, mask.height) == (picture.width, picture.height):
        return mask
    with Image.open(io.BytesIO(mask.content)) as opened:
        grey = opened.convert("L").resize(
            (picture.width, picture.height), Image.Resampling.BILINEAR
        )
    stream = io.BytesIO()
    grey.point([0] * 128 + [255] * 128).save(stream, "PNG")
    content = stream.getvalue()
    return replace(
        mask,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        width=picture.width,
        height=picture.height,
        format="PNG",
    )
