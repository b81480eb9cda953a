"""A picture of each format, decoded by that format's decoder and by no other.

`Image.open` would look at files of some forty formats.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from PIL import ExifTags, Image, ImageChops, ImageFile, ImageOps
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from generations.media.decoder import jpeg, png
from generations.media.decoder.answers import Refused

# What decoders raise on content that is damaged, cut off or built to confuse them.
DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error)

CheckSize = Callable[[int, int], None]


class Opened(NamedTuple):
    """A decoded picture as it is in the file, and what has to be known to show it.

    `alpha` is transparency that the decoder does not know of; `orientation` is EXIF's number.
    """

    image: Image.Image
    profile: bytes | None
    orientation: int
    is_lossless: bool
    alpha: Image.Image | None = None


def open_picture(content: bytes, file_format: str, check_size: CheckSize) -> Opened:
    """Decode a still picture. `check_size` is called before a pixel is decoded.

    Raises Refused for an animation, and DECODING_ERRORS.
    """
    if file_format == "PNG":
        return _open_png(content, check_size)
    if file_format == "HEIC":
        return _open_heic(content, check_size)
    if file_format == "JPEG":
        image: ImageFile.ImageFile = JpegImageFile(io.BytesIO(content))
        check_size(*image.size)
        if jpeg.count_scans(content) > jpeg.MAX_SCANS:
            raise ValueError("More scans than any encoder writes")
    elif file_format == "WebP":
        # Its decoder allots the canvas when it is made.
        check_size(*_webp_size(content))
        image = WebPImageFile(io.BytesIO(content))
    else:
        image = AvifImageFile(io.BytesIO(content))
    check_size(*image.size)
    # A JPEG with more pictures behind the first (MPO) is its first one.
    _check_still(getattr(image, "n_frames", 1))
    image.load()
    is_lossless = file_format == "WebP" and content[12:16] == b"VP8L"
    return Opened(image, image.info.get("icc_profile"), _orientation(image), is_lossless)


def _open_png(content: bytes, check_size: CheckSize) -> Opened:
    found = png.take_apart(content)
    check_size(found.width, found.height)
    _check_still(found.frames)
    image: Image.Image = PngImageFile(io.BytesIO(found.pixels))
    image.load()
    if found.colour_type == png.GREY_WITH_ALPHA:
        # Of 16 bits Pillow makes RGBA.
        image = Image.merge("LA", (image.getchannel(0), image.getchannel("A")))
    alpha = _alpha_of_key(found, image) if found.colour_key else None
    return Opened(image, found.profile, found.orientation, is_lossless=True, alpha=alpha)


def _alpha_of_key(found: png.Png, image: Image.Image) -> Image.Image:
    """Opaque wherever the picture has another colour than its colour key."""
    assert found.colour_key is not None  # noqa: S101
    if found.depth == 16:
        upper = [_bands(found, "16B"), tuple(sample >> 8 for sample in found.colour_key)]
        lower = [_bands(found, "16L"), tuple(sample & 0xFF for sample in found.colour_key)]
        pairs = [*zip(*upper, strict=True), *zip(*lower, strict=True)]
    else:
        # Grey of fewer bits is spread over the eight of the decoded picture.
        spread = 255 // ((1 << found.depth) - 1)
        bands = (image.convert("L") if image.mode == "1" else image).split()
        pairs = list(zip(bands, (sample * spread for sample in found.colour_key), strict=True))
    equal = [band.point([255 * (value == key) for value in range(256)]) for band, key in pairs]
    return ImageChops.invert(reduce(ImageChops.darker, equal))


def _bands(found: png.Png, order: str) -> tuple[Image.Image, ...]:
    """The upper bytes of 16-bit samples, or, reading them in the other byte order, the lower ones."""
    mode = "L" if found.colour_type == png.GREY else "RGB"
    image = PngImageFile(io.BytesIO(found.pixels))
    raw = {"16B": f"{mode};16B", "16L": "L;16" if mode == "L" else "RGB;16L"}[order]
    image._mode = mode  # noqa: SLF001 - the only way to choose how samples are unpacked
    image.tile = [tile._replace(args=raw) for tile in image.tile]
    image.load()
    return image.split()


def _open_heic(content: bytes, check_size: CheckSize) -> Opened:
    from pi_heif import HeifImageFile  # noqa: PLC0415 - only where it is needed

    image = HeifImageFile(io.BytesIO(content))
    check_size(*image.size)
    image.load()
    upright = ImageOps.exif_transpose(image)
    return Opened(upright, image.info.get("icc_profile"), 1, is_lossless=False)


def _webp_size(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[i : i + 3], "little") + 1 for i in (24, 27))
        return width, height
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    # A simple lossy WebP has 14 bits a side in its frame header.
    width, height = (int.from_bytes(content[i : i + 2], "little") & 0x3FFF for i in (26, 28))
    return width, height


def _check_still(frames: int) -> None:
    if frames > 1:
        raise Refused("animated", frames=frames)


def _orientation(image: Image.Image) -> int:
    """EXIF's word on which side is up; 1, upright, where EXIF is absent or broken."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*DECODING_ERRORS, TypeError, KeyError):
        return 1
