"""Merchants' pictures: what may come in, and the clean copy that is all the rest ever sees.

Files come from strangers. Their content is sniffed and not believed, its size is known before a
pixel is decoded, and what is kept is encoded anew, so that no metadata, no second file behind the
first and no odd colour mode travels on.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from typing import IO

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from PIL import ExifTags, Image, ImageCms, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from credits.refusals import Refusal
from generations.media import heic_decoder

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE = 256
THUMBNAIL_SIDE = 512

# A lossless picture up to this size stays lossless. Above it a PNG costs seconds and tens of
# megabytes for a difference from JPEG at quality 95 that nobody sees.
MAX_LOSSLESS_PIXELS = 4_000_000
JPEG_QUALITY = 95

# Pillow's decoders are called by class, each for its own format: `Image.open` would look at files
# of some forty formats, and its guard against huge pictures is one global number for all threads.
_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "AVIF": AvifImageFile,
    "HEIC": PngImageFile,  # What the decoder process makes of it.
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_OTHER_TYPES = (
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "Photoshop"),
    (b"PK\x03\x04", "ZIP"),
)
# EXIF orientation to the turn that sets the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What decoders raise on content that is damaged, cut off or built to confuse them.
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error)


class PictureRefused(Refusal):
    """The picture cannot be taken; the text says which limit was broken and what was found.

    `code` is one of `empty too_large not_a_picture damaged animated too_small too_many_pixels`.
    """

    field = "image"

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence, code, status=413 if code == "too_large" else 422)


@dataclass(frozen=True)
class UploadedImage:
    """An upload's clean copy: upright, in sRGB, without metadata. `format` is JPEG or PNG.

    `source_format` is what the merchant's file really was.
    """

    content: bytes
    sha256: str
    width: int
    height: int
    format: str
    source_format: str
    has_alpha: bool

    @property
    def media_type(self) -> str:
        return f"image/{self.format.lower()}"

    @property
    def suffix(self) -> str:
        """The file name's ending, from what the content is."""
        return ".jpg" if self.format == "JPEG" else ".png"


def read_picture(source: bytes | IO[bytes]) -> UploadedImage:
    """Check an upload and make its clean copy.

    Takes JPEG, PNG, WebP, AVIF and HEIC of at most 25 MB and 50 megapixels whose shorter side is
    at least 256 pixels. EXIF and GPS are gone from the copy, its orientation is applied, colours
    are sRGB, transparency is kept. Raises PictureRefused for everything else; a file that is too
    large is not read to its end, a picture with too many pixels is not decoded.
    """
    content = _read(source)
    source_format = _sniff(content)
    try:
        if source_format == "HEIC":
            size, content = heic_decoder.decode_apart(content, MAX_PIXELS)
        else:
            size = _size_in_header(content, source_format)
        _check_size(*size)
        with _DECODERS[source_format](io.BytesIO(content)) as image:
            _check_size(*image.size)
            _check_still(image)
            lossless = source_format == "PNG" or content[12:16] == b"VP8L"
            upright = _upright(_in_srgb(image), _orientation(image))
    except _DECODING_ERRORS as error:
        raise PictureRefused(
            _(
                "This %(format)s file is damaged or incomplete. Export it again, then upload the new file."
            )
            % {"format": source_format},
            "damaged",
        ) from error
    return _encode(upright, source_format, lossless=lossless)


def make_thumbnail(content: bytes, side: int = THUMBNAIL_SIDE) -> bytes:
    """A WebP of at most `side` pixels a side, with transparency, of a picture made by this product."""
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (2 * side, 2 * side))
        small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=82, method=4)
    return stream.getvalue()


def _read(source: bytes | IO[bytes]) -> bytes:
    content = source if isinstance(source, bytes) else source.read(MAX_BYTES + 1)
    if not content:
        raise PictureRefused(_("This file is empty."), "empty")
    if len(content) > MAX_BYTES:
        told = len(content) if isinstance(source, bytes) else getattr(source, "size", None)
        if isinstance(told, int) and told > MAX_BYTES:
            message = _("This file has %(found).1f MB. At most %(limit)d MB are possible.")
        else:
            message = _("This file has more than %(limit)d MB, which is the most possible.")
        found = told / 1024**2 if isinstance(told, int) else 0
        raise PictureRefused(message % {"found": found, "limit": MAX_BYTES >> 20}, "too_large")
    return content


def _sniff(content: bytes) -> str:
    """The format that the first bytes show, whatever the file is called."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        # Both formats share a container and the brands mif1 and msf1; AVIF names itself somewhere.
        length = int.from_bytes(content[:4], "big")
        brands = {content[i : i + 4] for i in (8, *range(16, min(length, 256), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIC_BRANDS:
            return "HEIC"
    raise PictureRefused(
        _(
            "This is %(found)s, not a picture that can be used: upload JPEG, PNG, WebP, AVIF or HEIC."
        )
        % {"found": _told_type(content)},
        "not_a_picture",
    )


def _told_type(content: bytes) -> str:
    """What a refused file is, in words."""
    for magic, name in _OTHER_TYPES:
        if content.startswith(magic):
            return _("a %(type)s file") % {"type": name}
    beginning = content[:1024]
    try:
        text = beginning.decode("utf-8-sig", errors="strict" if len(content) < 1024 else "ignore")
    except UnicodeDecodeError:
        return _("a file of unknown type")
    if "\0" in text:
        return _("a file of unknown type")
    markup = text.lstrip().lower()
    if "<svg" in markup:
        return _("an SVG drawing")
    if markup.startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return _("a web page")
    return _("a text file")


def _size_in_header(content: bytes, source_format: str) -> tuple[int, int]:
    """The size that must be known before a decoder is made: WebP's allots its canvas at once.

    The other decoders read the header only, so MIN_SIDE stands for "not known yet".
    """
    unknown = (MIN_SIDE, MIN_SIDE)
    if source_format != "WebP":
        return unknown
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


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureRefused(
            _(
                "This picture has %(width)d by %(height)d pixels, which is %(found)d megapixels. "
                "At most %(limit)d megapixels are possible."
            )
            % {
                "width": width,
                "height": height,
                "found": -(-width * height // 1_000_000),
                "limit": MAX_PIXELS // 1_000_000,
            },
            "too_many_pixels",
        )
    if min(width, height) < MIN_SIDE:
        raise PictureRefused(
            _(
                "This picture has %(width)d by %(height)d pixels. Its shorter side must have at "
                "least %(limit)d."
            )
            % {"width": width, "height": height, "limit": MIN_SIDE},
            "too_small",
        )


def _check_still(image: ImageFile.ImageFile) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        message = ngettext(
            "This picture is animated, with %(found)d frame. Upload a still picture.",
            "This picture is animated, with %(found)d frames. Upload a still picture.",
            frames,
        )
        raise PictureRefused(message % {"found": frames}, "animated")


def _orientation(image: Image.Image) -> int:
    """EXIF's word on which side is up; 1, upright, where EXIF is absent or broken."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*_DECODING_ERRORS, TypeError, KeyError):
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _in_srgb(image: Image.Image) -> Image.Image:
    """The decoded picture as RGB or RGBA in sRGB; RGBA only if something really is transparent."""
    image.load()
    profile = image.info.get("icc_profile")
    plain = _in_eight_bits(image)
    alpha = None
    if plain.has_transparency_data:
        plain = plain.convert("RGBA")
        alpha = plain.getchannel("A")
        if alpha.getextrema() == (255, 255):
            alpha = None
    if plain.mode not in {"L", "CMYK", "RGB"}:
        plain = plain.convert("RGB")
    colours = _by_profile(plain, profile) if profile else plain.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Greyscale of 16 bits by its upper eight; Pillow itself would cut it off at 255."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    grey = Image.fromarray((values >> 8).clip(0, 255).astype(np.uint8))
    see_through = image.info.get("transparency")
    if see_through is not None:
        grey.putalpha(Image.fromarray(np.where(values == see_through, 0, 255).astype(np.uint8)))
    return grey


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """The colours that the embedded profile means; a profile that fits not is passed over."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).strip().startswith("sRGB"):
            return image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None
    return converted or image.convert("RGB")


def _encode(image: Image.Image, source_format: str, *, lossless: bool) -> UploadedImage:
    """PNG for transparency and for small lossless pictures, else JPEG with full colour detail."""
    image.info.clear()
    has_alpha = image.mode == "RGBA"
    as_png = has_alpha or (lossless and image.width * image.height <= MAX_LOSSLESS_PIXELS)
    stream = io.BytesIO()
    if as_png:
        image.save(stream, "PNG", compress_level=2)
    else:
        image.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    content = stream.getvalue()
    return UploadedImage(
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        width=image.width,
        height=image.height,
        format="PNG" if as_png else "JPEG",
        source_format=source_format,
        has_alpha=has_alpha,
    )
