"""Files in, pixels out, and back: what every engine of this machine does with pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext_noop
from PIL import Image

from generations.engines.base import InputPicture, Output, PlatformError
from generations.engines.local import weights
from generations.engines.local.pixels import arrays, mattes, metadata
from generations.engines.local.pixels.arrays import Check, Photo, Size
from generations.engines.local.pixels.metadata import Origin

SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
# A picture brighter than this on average is laid on dark ground.
_LIGHT = 160.0
# From this share of transparent pixels on a picture counts as cut out already.
_CUT_OUT_SHARE = 0.02


@dataclass(frozen=True)
class Opened:
    """A picture's colours and, where it has any, its transparency."""

    colours: Photo
    transparency: Photo | None = None

    @property
    def size(self) -> Size:
        """Width and height."""
        return self.colours.shape[1], self.colours.shape[0]

    def at(self, size: Size) -> Opened:
        """The same picture at another size."""
        if self.transparency is None:
            return Opened(arrays.resized(self.colours, size))
        both = arrays.resized(arrays.joined(self.colours, self.transparency), size)
        return Opened(np.ascontiguousarray(both[..., :3]), np.ascontiguousarray(both[..., 3]))

    def on_plain_ground(self) -> Photo:
        """The colours on white, or on dark grey where white would hide a picture so light."""
        if self.transparency is None:
            return self.colours
        share = self.transparency.astype(np.float32)[..., None] / 255.0
        brightness = float((self.colours * share).sum() / max(1.0, 3.0 * float(share.sum())))
        ground = 40.0 if brightness > _LIGHT else 255.0
        return arrays.as_photo(self.colours * share + ground * (1.0 - share))


def opened(picture: InputPicture) -> Opened:
    """The decoded picture; PlatformError when the stored file was damaged."""
    try:
        with Image.open(io.BytesIO(picture.content)) as image:
            if not image.has_transparency_data:
                return Opened(np.asarray(image.convert("RGB")))
            pixels = np.asarray(image.convert("RGBA"))
    except (OSError, ValueError) as error:
        raise PlatformError(gettext_noop("The stored image could not be read.")) from error
    return Opened(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]))


def opened_mask(picture: InputPicture, size: Size) -> Photo:
    """The mask in shades of grey at the size; PlatformError when it was damaged."""
    try:
        with Image.open(io.BytesIO(picture.content)) as image:
            grey = np.asarray(image.convert("L"))
    except (OSError, ValueError) as error:
        raise PlatformError(gettext_noop("The stored image could not be read.")) from error
    return arrays.resized(grey, size)


def cut_out(picture: Opened, check: Check) -> Photo:
    """The product alone (RGBA), by the network, within the transparency that is there already."""
    cut = mattes.cut_out(picture.on_plain_ground(), weights.U2NETP.path, check=check)
    if picture.transparency is None:
        return cut
    product = cut[..., 3].astype(np.uint16) * picture.transparency
    cut[..., 3] = (product + 127) // 255
    # Where the picture already was transparent no ground had mixed into its colours.
    see_through = (picture.transparency < 255)[..., None]
    cut[..., :3] = np.where(see_through, picture.colours, cut[..., :3])
    cut[cut[..., 3] == 0] = 0
    return cut


def product_of(picture: Opened, check: Check) -> Photo:
    """The product alone (RGBA); a picture that was cut out before is taken as it is."""
    if not is_cut_out(picture) or picture.transparency is None:
        return cut_out(picture, check)
    product = arrays.joined(picture.colours, picture.transparency)
    product[product[..., 3] == 0] = 0
    return product


def is_cut_out(picture: Opened) -> bool:
    """Whether the picture's own transparency already is the product's outline."""
    if picture.transparency is None:
        return False
    return float((picture.transparency < 8).mean()) > _CUT_OUT_SHARE


def canvas_size(resolution: str, ratio: str, own: Size) -> Size:
    """Width and height of a picture of that class and shape; "original" is the shape of `own`."""
    wide, high = own if ratio == "original" else (int(part) for part in ratio.split(":"))
    side, shape = SIDES[resolution], (wide / high) ** 0.5
    return max(2, round(side * shape)), max(2, round(side / shape))


def within(size: Size, resolution: str, share: float = 1.0) -> Size:
    """The size, made smaller where it is larger than that class; `share` is of its side."""
    scale = min(1.0, share * SIDES[resolution] / (size[0] * size[1]) ** 0.5)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def output(picture: Photo, origin: Origin) -> Output:
    """The picture as a lossless master that says what made it."""
    content = metadata.encoded(picture, "PNG", origin)
    return Output("image", content, "image/png", picture.shape[1], picture.shape[0])
