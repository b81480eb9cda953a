"""Masks that merchants paint in the browser, on a smaller copy of their picture."""

from __future__ import annotations

import hashlib
import io
import tempfile
from typing import IO

from PIL import Image

from generations.media.reading import PREVIEW_SIDE, UploadedImage

# A copy's sides are rounded, so its shape may differ from the picture's by so much.
_TOLERANCE = 0.02


def enlarged(mask: UploadedImage, width: int, height: int) -> UploadedImage:
    """The mask in the picture's size, black and white; unchanged where the shapes differ."""
    ratio = (mask.width / mask.height) / (width / height)
    if abs(ratio - 1) > _TOLERANCE or (mask.width, mask.height) == (width, height):
        return mask
    with Image.open(io.BytesIO(mask.content)) as opened:
        grey = opened.convert("L").resize((width, height), Image.Resampling.BILINEAR)
    marked = grey.point([0] * 128 + [255] * 128)
    lightest = marked.getextrema()[1]
    preview = marked.copy()
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    file = _saved(marked, "PNG")
    return UploadedImage(
        file=file,
        preview=_saved(preview, "WEBP"),
        sha256=_sha256(file),
        width=width,
        height=height,
        format="PNG",
        source_format="PNG",
        has_alpha=False,
        lightest=int(lightest) if isinstance(lightest, int | float) else 0,
    )


def _saved(image: Image.Image, format_name: str) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it ends with the picture that holds it.
    image.save(file, format_name)
    return file


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
