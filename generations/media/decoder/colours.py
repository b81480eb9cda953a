"""From whatever a file holds to RGB or RGBA in sRGB, upright.

Colours are converted before modes change: a profile of grey belongs to grey samples, with and
without transparency.
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms

from generations.media.decoder.opening import Opened

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


def make_clean(opened: Opened) -> Image.Image:
    """The picture as RGB, or as RGBA if something really is transparent."""
    plain, alpha = _apart(_in_eight_bits(opened.image))
    alpha = opened.alpha or alpha
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    colours = _by_profile(plain, opened.profile) if opened.profile else plain.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    turn = _TURNS.get(opened.orientation)
    clean = colours if turn is None else colours.transpose(turn)
    clean.info.clear()
    return clean


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colours as L, RGB or CMYK, and transparency."""
    if image.mode in {"LA", "La"}:
        image = image.convert("LA")
        return image.getchannel("L"), image.getchannel("A")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return image.convert("RGB"), image.getchannel("A")
    if image.mode in {"L", "CMYK", "RGB"}:
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Greyscale of 16 bits by its upper eight; Pillow itself would cut it off at 255."""
    if not image.mode.startswith("I"):
        return image
    import numpy as np  # noqa: PLC0415 - for these few pictures only: it takes long to load

    return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """The colours that the profile means; a profile that does not fit is passed over."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if (source.profile.profile_description or "").strip().startswith("sRGB"):
            return image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None
    return converted or image.convert("RGB")
