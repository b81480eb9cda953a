"""What a picture that was read shows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generations.media import reading
from generations.media.reading import PictureRefused, read_picture


def decoded(picture: reading.UploadedImage) -> Image.Image:
    return Image.open(io.BytesIO(picture.content))


def near(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def colour(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(value) for value in np.asarray(image.convert("RGB"))[y, x])


def opacity(image: Image.Image, x: int, y: int) -> int:
    return int(np.asarray(image.getchannel("A"))[y, x])


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Upper left, upper right, lower left, lower right."""
    places = [(20, 20), (-20, 20), (20, -20), (-20, -20)]
    return [colour(image, x, y) for x, y in places]


def refusal(source) -> PictureRefused:
    with pytest.raises(PictureRefused) as caught:
        read_picture(source)
    return caught.value
