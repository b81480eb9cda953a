"""The demo store's drawn product pictures: believable at a glance, and never passed off as photos."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from shopify_auth.devstore.drawing import (
    SIDE,
    TILT,
    Body,
    Canvas,
    Finish,
    Floats,
    Paint,
    colour,
    labelled,
    plain,
    printed,
    studio,
    wooden_table,
    woven,
)


def _glazed(text: str, foot: str) -> Paint:
    """Speckled stoneware with an unglazed foot."""
    speckles = np.random.default_rng(21).random((900, 900)).astype(np.float32)

    def paint(heights: Floats, angles: Floats) -> Floats:
        rows, columns = (heights * 899).astype(int), ((angles / math.pi + 0.5) * 899).astype(int)
        dark = np.clip((speckles[rows, columns] - 0.985) * 40, 0, 0.45)[..., None]
        wave = 0.012 * np.sin(angles * 9)
        glaze = np.clip((heights - 0.1 - wave) * 60, 0, 1)[..., None]
        bare, tint = np.float32(colour(foot)), colour(text)
        return np.asarray((bare + glaze * (tint - bare)) * (1 - dark * glaze), dtype=np.float32)

    return paint


def _top_of(body: Body) -> float:
    """Where the middle of the body's top lies in the picture."""
    return body.y - body.height * math.cos(TILT)


def _stand(canvas: Canvas, body: Body, depth: float = 0.55) -> None:
    """The body's shadows: dark and close under its foot, long and faint to the right."""
    foot = body.profile[0][1]
    canvas.shadow(body.x + 0.75 * foot, body.y + 0.12 * foot, (1.6 * foot, 0.3 * foot), 60, 0.3)
    canvas.shadow(body.x, body.y + 4, (1.08 * foot, 0.3 * foot), 16, depth)


def _draw_mug(canvas: Canvas) -> None:
    mug = Body([(0, 232), (14, 250), (250, 276), (520, 280), (545, 276)], 730, 1180)
    _stand(canvas, mug)
    canvas.tube((1010, 900), (165, 190), 62, "#3f6f78")
    canvas.revolve(mug, _glazed("#4d8791", "#b99b78"), Finish(gloss=0.42, sharpness=6))
    rings = [(1.0, colour("#5b98a2")), (0.935, colour("#2f545b")), (0.9, colour("#3b2417"))]
    canvas.disc(mug.x, _top_of(mug), 276, rings)
    canvas.disc(mug.x, _top_of(mug) + 10, 236, [(1.0, colour("#4a2c1a")), (0.9, colour("#38200f"))])


def mug() -> Image.Image:
    """A glazed stoneware mug on a paper backdrop."""
    canvas = studio("#e9e4dc", "#dcd5ca")
    _draw_mug(canvas)
    return canvas.finished()


def mug_on_table() -> Image.Image:
    """The same mug on a wooden table."""
    canvas = wooden_table("#cfd6d2", "#a5764a", 0.5)
    _draw_mug(canvas)
    return canvas.finished()


def serum_bottle() -> Image.Image:
    """A small amber bottle with a dropper and a paper label."""
    canvas = studio("#f0ddd2", "#e8cfc1")
    shape = [(0, 196), (16, 212), (560, 212), (640, 160), (690, 84), (742, 82)]
    bottle = Body(shape, 800, 1330)
    _stand(canvas, bottle)

    def amber(heights: Floats, angles: Floats) -> Floats:
        middle = np.clip(np.cos(angles), 0, 1)[..., None] ** 1.5
        liquid = np.clip((0.7 - heights) * 50, 0, 1)[..., None]
        thick, thin = colour("#4a1d06"), colour("#b9651c")
        glass = thick + (thin - thick) * (0.25 + 0.6 * middle)
        return np.asarray(glass * (1 - 0.3 * liquid), dtype=np.float32)

    label = printed(
        (760, 620),
        "#f6f1e7",
        "#2e2a26",
        [
            ("NORDLYS", 96, 0.2),
            ("APOTHECARY", 40, 0.33),
            ("Sea buckthorn", 58, 0.55),
            ("face serum", 58, 0.66),
            ("30 ml", 40, 0.85),
        ],
    )
    canvas.revolve(bottle, labelled(amber, label, (0.12, 0.64), 1.25), Finish(0.55, 9))
    collar = Body([(0, 92), (10, 98), (120, 98), (130, 92)], 800, 1330 - 742 * math.cos(TILT) + 14)

    def ribbed(heights: Floats, angles: Floats) -> Floats:
        ribs = 0.75 + 0.25 * np.sin(angles * 46)
        return np.asarray(colour("#26241f") * ribs[..., None] * 1.5, dtype=np.float32)

    canvas.revolve(collar, ribbed, Finish(0.3, 7))
    canvas.disc(800, _top_of(collar), 96, [(1.0, colour("#34312b"))])
    bulb = Body(
        [(0, 62), (30, 66), (120, 60), (170, 44), (192, 22), (198, 4)], 800, _top_of(collar) + 8
    )
    canvas.revolve(bulb, plain("#4a463e"), Finish(0.3, 5))
    return canvas.finished()


def table_lamp() -> Image.Image:
    """A lit lamp with a linen shade on a wooden table."""
    canvas = wooden_table("#5c6b66", "#7a5233", 0.72)
    glow = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(glow).ellipse((300, 60, 1300, 1060), fill=150)
    glow = glow.filter(ImageFilter.GaussianBlur(170))
    canvas.paste(glow, colour("#f3d9a4"))
    foot = Body([(0, 190), (8, 206), (40, 200), (70, 120), (86, 40)], 800, 1380)
    _stand(canvas, foot)
    brass = Finish(0.6, 6)
    canvas.revolve(foot, plain("#9a7434"), brass)
    canvas.disc(foot.x, _top_of(foot), 58, [(1.0, colour("#6f5325"))])
    stem = Body([(0, 22), (260, 18), (300, 44), (340, 18), (560, 18)], 800, 1310)
    canvas.revolve(stem, plain("#a67f3b"), brass)
    shade = Body([(0, 380), (480, 230)], 800, 850)

    def linen(heights: Floats, angles: Floats) -> Floats:
        warm, hot = colour("#e9c88f"), colour("#fff3d2")
        bulb = np.exp(-((heights - 0.42) ** 2) / 0.07 - angles**2 / 1.1)[..., None]
        weave = 1 + 0.02 * np.sin(heights * 700) + 0.02 * np.sin(angles * 300)
        trim = np.where((heights < 0.03) | (heights > 0.97), 0.78, 1.0)
        return np.asarray(
            (warm + (hot - warm) * bulb) * (weave * trim)[..., None], dtype=np.float32
        )

    canvas.revolve(shade, linen, Finish(gloss=0.0, glow=0.72))
    rings = [(1.0, colour("#d9b678")), (0.96, colour("#fff1c9")), (0.3, colour("#fffbe9"))]
    canvas.disc(800, _top_of(shade), 230, rings)
    return canvas.finished()


def candle() -> Image.Image:
    """A candle in a matt black jar with its wooden lid beside it."""
    canvas = studio("#dfe3dc", "#cfd4ca")
    lid = Body([(0, 226), (10, 234), (54, 234), (64, 228)], 1110, 1300)
    jar = Body([(0, 236), (18, 256), (470, 256), (484, 252)], 660, 1230)
    _stand(canvas, lid, 0.5)

    def wood(heights: Floats, angles: Floats) -> Floats:
        rings = 1 + 0.05 * np.sin(heights * 60 + np.sin(angles * 5) * 2)
        return np.asarray(colour("#c79a66") * rings[..., None], dtype=np.float32)

    canvas.revolve(lid, wood, Finish(0.12, 4))
    lid_rings = [(1 - n / 14, colour("#d8ad79" if n % 2 else "#cfa26c")) for n in range(12)]
    canvas.disc(lid.x, _top_of(lid), 228, lid_rings)
    _stand(canvas, jar)
    label = printed(
        (700, 330),
        "#efe9dd",
        "#3a342c",
        [("FJORD & FIR", 84, 0.28), ("cedar · moss · smoke", 44, 0.56), ("220 g", 38, 0.8)],
    )
    canvas.revolve(jar, labelled(plain("#2c2d2c"), label, (0.26, 0.72), 1.0), Finish(0.22, 4.5))
    rings = [(1.0, colour("#3a3b3a")), (0.95, colour("#191a19")), (0.9, colour("#e9dfc8"))]
    canvas.disc(jar.x, _top_of(jar), 252, rings)
    wick = Body([(0, 7), (52, 6)], 660, _top_of(jar) + 6)
    canvas.revolve(wick, plain("#2b2622"), Finish(0.0))
    return canvas.finished()


def tote_bag() -> Image.Image:
    """A canvas bag, laid flat and seen from above."""
    canvas = studio("#c9b7c4", "#c9b7c4")
    shape = Image.new("L", (SIDE, SIDE))
    outline = [(380, 640), (1220, 640), (1262, 1080), (1238, 1440), (362, 1440), (338, 1080)]
    ImageDraw.Draw(shape).polygon(outline, fill=255)
    shape = shape.filter(ImageFilter.GaussianBlur(9)).point(
        lambda value: min(255, max(0, (value - 90) * 4))
    )
    canvas.shadow(815, 1060, (470, 420), 40, 0.45)
    canvas.shadow(800, 1440, (440, 14), 14, 0.4)
    canvas.shadow(812, 470, (250, 330), 26, 0.12)
    canvas.tube((800, 650), (216, 400), 60, "#c9bb98")
    side = canvas.pixels.shape[0]
    cloth = woven(side, "#e3d7b8")
    down, right = np.mgrid[:side, :side].astype(np.float32) / side
    folds = 0.045 * np.sin(right * 17 + np.sin(down * 5) * 1.7) * np.clip((down - 0.42) * 3, 0, 1)
    edge = (
        1
        - 0.22 * np.exp(-((right - 0.775) ** 2) / 0.0012)
        - 0.1 * np.exp(-((right - 0.22) ** 2) / 0.001)
    )
    hem = np.where((np.abs(down - 0.438) < 0.0012) | (np.abs(down - 0.432) < 0.0008), 0.8, 1.0)
    tint = cloth * ((1.02 + folds - 0.1 * down) * edge * hem)[..., None]
    motif = printed(
        (side, side),
        "#ffffff",
        "#000000",
        [("GOOD BREAD", 150, 0.645), ("baked slowly since 1987", 58, 0.71)],
    )
    ink = colour("#23485a")
    tint = tint * motif + tint * ink * (1 - motif) * 1.15
    canvas.paste(shape, np.asarray(tint, dtype=np.float32))
    return canvas.finished()


DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "stoneware-mug.jpg": mug,
    "stoneware-mug-on-table.jpg": mug_on_table,
    "sea-buckthorn-serum.jpg": serum_bottle,
    "brass-table-lamp.jpg": table_lamp,
    "cedar-candle.jpg": candle,
    "canvas-tote.jpg": tote_bag,
}
