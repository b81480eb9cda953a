"""Pixels on their way to Google and back: references, masks, checks, the composite."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageStat

from generations.engines.google.config import SIDES
from generations.engines.google.errors import GoogleFailure, unusable

REFERENCE_SIDE = 2048
REFERENCE_QUALITY = 90
SIZE_TOLERANCE = 0.10
_TAKEN = ("PNG", "JPEG", "WEBP")
_WHITE = (255, 255, 255)
# How far inside the mask the model's pixels fade into the merchant's, as a share of the long side.
_FEATHER = 1 / 200
_KEPT_SHARE = 0.7
_SLOPE = [max(0, min(255, (value - 128) * 2 + 1)) for value in range(256)]
Size = tuple[int, int]


@dataclass(frozen=True)
class Encoded:
    """A picture as it is sent or stored."""

    content: bytes
    media_type: str
    width: int
    height: int


def open_rgb(content: bytes) -> Image.Image:
    """A merchant's picture on white: the models know no transparency.

    It was read before it was stored, so one that cannot be read is our fault.
    """
    try:
        with Image.open(io.BytesIO(content)) as source:
            source.load()
            if not source.has_transparency_data:
                return source.convert("RGB")
            rgba = source.convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:
        raise GoogleFailure("platform_error", "stored_picture", detail=str(error)) from error
    ground = Image.new("RGB", rgba.size, _WHITE)
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground


def as_reference(picture: Image.Image) -> Encoded:
    """The picture as JPEG of at most 2048 px a side: 14 of them stay far below Google's limits."""
    small = picture.copy()
    small.thumbnail((REFERENCE_SIDE, REFERENCE_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=REFERENCE_QUALITY)
    return Encoded(buffer.getvalue(), "image/jpeg", small.width, small.height)


def as_mask(mask: Image.Image) -> Encoded:
    """The mask as sharp black and white PNG, scaled as its picture is."""
    small = mask.convert("L")
    small.thumbnail((REFERENCE_SIDE, REFERENCE_SIDE), Image.Resampling.LANCZOS)
    small = _binary(small)
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return Encoded(buffer.getvalue(), "image/png", small.width, small.height)


def ratio(aspect: str) -> float:
    """Width over height of "16:9"."""
    across, down = aspect.split(":")
    return int(across) / int(down)


def nearest_aspect(size: Size, aspects: tuple[str, ...]) -> str:
    """The ratio that a picture of that size is closest to."""
    own = math.log(size[0] / size[1])
    return min(aspects, key=lambda aspect: abs(own - math.log(ratio(aspect))))


def pad_to(picture: Image.Image, aspect: str, fill: int | tuple[int, ...]) -> Image.Image:
    """The picture centred on a canvas of exactly that ratio; `content_box` finds it again."""
    width, height = canvas_size(picture.size, aspect)
    canvas = Image.new(picture.mode, (width, height), fill)
    canvas.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return canvas


def canvas_size(size: Size, aspect: str) -> Size:
    """The smallest size of that ratio that holds a picture of `size`."""
    wanted = ratio(aspect)
    return max(size[0], round(size[1] * wanted)), max(size[1], round(size[0] / wanted))


def content_box(size: Size, canvas: Size, answer: Size) -> tuple[float, float, float, float]:
    """Where the padded picture lies in an answer of another scale."""
    across, down = answer[0] / canvas[0], answer[1] / canvas[1]
    left, top = (canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2
    return left * across, top * down, (left + size[0]) * across, (top + size[1]) * down


def average_colour(picture: Image.Image) -> tuple[int, ...]:
    """A quiet colour for the padding."""
    return tuple(round(value) for value in ImageStat.Stat(picture).mean)


def class_size(size: Size, resolution: str) -> Size:
    """The size of that class (1K is 1024² pixels) at the picture's own ratio."""
    side = SIDES[resolution]
    width = max(1, round(side * math.sqrt(size[0] / size[1])))
    return width, max(1, round(side * side / width))


def read_answer(content: bytes, resolution: str) -> Encoded:
    """Sniff, measure, decode the provider's picture; a GoogleFailure when it cannot be used.

    Its size is judged by the header alone, before memory is given to its pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_TAKEN) as picture:
            _check_class(picture.size, resolution)
            media_type = Image.MIME[picture.format or ""]
            picture.load()
            _check_content(picture)
            return Encoded(content, media_type, picture.width, picture.height)
    except (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError) as error:
        raise unusable("bad_picture", f"{type(error).__name__}: {error}") from error


def _check_class(size: Size, resolution: str) -> None:
    wanted = SIDES[resolution] ** 2
    if abs(size[0] * size[1] - wanted) > wanted * SIZE_TOLERANCE:
        raise unusable("wrong_size", f"{size[0]} × {size[1]} is not {resolution}.")


def _check_content(picture: Image.Image) -> None:
    """Refuse one even colour: providers have answered a refusal with a black picture."""
    small = picture.convert("RGB").resize((64, 64), Image.Resampling.BOX)
    if small.getcolors(1) is not None:
        raise unusable("bad_picture", "The picture has one even colour.")


def composite(original: Image.Image, mask: Image.Image, answer: Image.Image) -> Image.Image:
    """The answer inside the mask, the original outside it to the last bit.

    All three have one size. The seam fades inside the mask, never outside it.
    """
    return Image.composite(answer, original, _faded(_binary(mask)))


def _faded(marked: Image.Image) -> Image.Image:
    """The mask with a soft edge that lies inside it; thin marks keep a harder one.

    A blurred edge is half grey where the mask ends: what is above becomes the slope, so that no
    erosion is needed (Pillow's costs a minute on 16 megapixels).
    """
    whole = ImageStat.Stat(marked).mean[0]
    radius = max(marked.size) * _FEATHER
    while radius >= 1:
        blurred = marked.filter(ImageFilter.GaussianBlur(radius / 2))
        soft = ImageChops.multiply(blurred.point(_SLOPE), marked)
        if ImageStat.Stat(soft).mean[0] >= whole * _KEPT_SHARE:
            return soft
        radius /= 2
    return marked


def compose_back(
    original: Image.Image, mask: Image.Image, answer: Encoded, aspect: str, resolution: str
) -> Encoded:
    """Everything outside the mask from the merchant's pixels, at the asked size class."""
    size = class_size(original.size, resolution)
    with Image.open(io.BytesIO(answer.content), formats=_TAKEN) as source:
        made = source.convert("RGB")
    canvas = canvas_size(original.size, aspect)
    made = made.resize(
        size, Image.Resampling.LANCZOS, content_box(original.size, canvas, made.size)
    )
    result = composite(scaled(original, size), scaled(mask.convert("L"), size), made)
    buffer = io.BytesIO()
    result.save(buffer, "PNG", compress_level=3)
    return Encoded(buffer.getvalue(), "image/png", result.width, result.height)


def scaled(picture: Image.Image, size: Size) -> Image.Image:
    """The picture at that size; itself when it has it already."""
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def open_mask(content: bytes, size: Size) -> Image.Image:
    """The mask (white = marked), which must be as large as its picture."""
    with Image.open(io.BytesIO(content)) as source:
        mask = source.convert("L")
    if mask.size != size:
        raise ValueError(f"The mask is {mask.size}, its picture {size}.")
    return mask


def _binary(mask: Image.Image) -> Image.Image:
    return mask.point([0] * 128 + [255] * 128)
