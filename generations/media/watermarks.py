"""A small picture to judge a look by, marked all over so that it is of no other use."""

from __future__ import annotations

import io

from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageFont

SIDE = 512
_INK, _EDGE = (255, 255, 255, 150), (0, 0, 0, 110)
_TURN = 30
_QUALITY = 80


def marked(content: bytes) -> bytes:
    """The picture as WebP of at most 512 pixels a side, with the word across it many times."""
    with Image.open(io.BytesIO(content)) as opened:
        picture = opened.convert("RGBA")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    ground.alpha_composite(_words(picture.size))
    made = io.BytesIO()
    ground.convert("RGB").save(made, "WEBP", quality=_QUALITY)
    return made.getvalue()


def _words(size: tuple[int, int]) -> Image.Image:
    """The word in turned rows, dark at its edges so that it is seen on every ground."""
    text, font = _("PREVIEW"), ImageFont.load_default(size=max(14, max(size) // 16))
    side = 2 * max(size)
    sheet = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(sheet)
    step_x, step_y = max(size) // 2, max(size) // 6
    for row, top in enumerate(range(0, side, step_y)):
        for left in range(-(row % 2) * step_x // 2, side, step_x):
            draw.text((left, top), text, _INK, font, stroke_width=1, stroke_fill=_EDGE)
    turned = sheet.rotate(_TURN, Image.Resampling.BICUBIC)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    return turned.crop((left, top, left + size[0], top + size[1]))
