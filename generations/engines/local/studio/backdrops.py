"""The library of backdrop sets: which there are, which one a prompt picks, and the drawn set.

The prompt is not understood; its words pick the nearest set, and the choice says which set and
which words did it, so that the page can say so.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Floats
from generations.engines.local.studio import backdrop_sets as sets
from generations.engines.local.studio.canvases import DRAW_SIDE, Canvas

COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (246, 245, 243),
    "grey": (206, 206, 206),
    "gray": (206, 206, 206),
    "black": (38, 38, 40),
    "red": (196, 62, 54),
    "blue": (112, 156, 206),
    "navy": (40, 58, 96),
    "green": (128, 168, 128),
    "yellow": (240, 208, 106),
    "orange": (236, 158, 92),
    "pink": (240, 188, 196),
    "purple": (164, 138, 192),
    "violet": (164, 138, 192),
    "beige": (230, 214, 192),
    "brown": (150, 114, 88),
    "cream": (246, 236, 216),
    "teal": (84, 152, 150),
    "turquoise": (112, 190, 186),
    "lavender": (206, 196, 226),
    "peach": (248, 208, 178),
    "mint": (190, 222, 204),
}


@dataclass(frozen=True)
class Backdrop:
    """One set. `horizon` is where the floor begins, `base` where products stand (shares).

    `room` is the share of the width in which several products may stand, `people` whether the
    set is also one for people.
    """

    slug: str
    title: str
    words: tuple[str, ...]
    draw: sets.Draw
    horizon: float = 0.62
    base: float = 0.84
    light: float = 30.0
    people: bool = False
    room: float = 1.0


@dataclass(frozen=True)
class Choice:
    """A set, the prompt's words that picked it (none: it was drawn by lot), and its title."""

    backdrop: Backdrop
    matched: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class Scene:
    """A drawn set: colours 0 to 255 at drawing size, where the floor begins, where to stand.

    With the horizon at 0 the ground is seen from above and things lie on it.
    """

    colours: Floats
    horizon: float
    base: float
    light: float
    room: float = 1.0


_OAK, _WALNUT = (186, 142, 100), (92, 62, 44)

SETS: tuple[Backdrop, ...] = (
    Backdrop(
        "studio-white",
        "White studio",
        ("studio", "white", "clean", "minimal", "plain", "simple", "seamless", "catalog"),
        sets.sweep((247, 246, 245), (238, 237, 235)),
        people=True,
    ),
    Backdrop(
        "studio-grey",
        "Grey studio",
        ("grey", "gray", "neutral", "portrait", "professional"),
        sets.sweep((176, 177, 179), (158, 159, 161)),
        people=True,
    ),
    Backdrop(
        "warm-sand",
        "Warm sand paper",
        ("warm", "sand", "beige", "earthy", "terracotta", "boho"),
        sets.sweep((233, 208, 184), (219, 188, 160)),
        people=True,
    ),
    Backdrop(
        "oak-table",
        "Oak table",
        ("wood", "wooden", "oak", "table", "desk", "rustic", "natural", "home"),
        sets.table(_OAK, (226, 222, 214)),
        horizon=0.6,
    ),
    Backdrop(
        "walnut-dark",
        "Dark walnut",
        ("dark", "walnut", "moody", "whisky", "leather", "masculine", "cigar", "bar"),
        sets.table(_WALNUT, (52, 48, 47), contrast=1.2, planks=6),
        horizon=0.6,
    ),
    Backdrop(
        "white-marble",
        "White marble",
        (
            "marble",
            "luxury",
            "elegant",
            "bathroom",
            "spa",
            "cosmetic",
            "cosmetics",
            "jewelry",
            "jewellery",
            "perfume",
        ),
        sets.marble((240, 239, 237), (158, 160, 166), (228, 226, 222)),
        horizon=0.6,
    ),
    Backdrop(
        "black-marble",
        "Black marble",
        ("premium", "watch", "gold", "exclusive", "noir"),
        sets.marble((42, 42, 46), (180, 168, 146), (58, 57, 60)),
        horizon=0.6,
    ),
    Backdrop(
        "concrete",
        "Concrete",
        ("concrete", "industrial", "urban", "loft", "stone", "cement", "modern", "street"),
        sets.concrete((176, 174, 170)),
        people=True,
        horizon=0.66,
    ),
    Backdrop(
        "terrazzo",
        "Terrazzo and rose wall",
        ("terrazzo", "playful", "trendy", "fresh", "candy"),
        sets.terrazzo(
            (238, 233, 226),
            ((206, 128, 108), (92, 112, 116), (222, 186, 128), (168, 160, 152)),
            (236, 200, 190),
        ),
        horizon=0.6,
    ),
    Backdrop(
        "linen",
        "Linen",
        ("linen", "fabric", "cloth", "textile", "soft", "cozy", "bed", "flatlay"),
        sets.linen((226, 216, 202)),
        horizon=0.0,
    ),
    Backdrop(
        "window-light",
        "Window light on a wall",
        ("sun", "sunlight", "sunny", "window", "morning", "light", "bright", "summer"),
        sets.sunlit((240, 226, 206), (232, 214, 190), leaves=False),
        people=True,
    ),
    Backdrop(
        "leaf-shadow",
        "Shadow of leaves",
        ("leaf", "leaves", "tropical", "plant", "plants", "botanical", "organic", "palm"),
        sets.sunlit((226, 230, 214), (212, 218, 198), leaves=True),
        people=True,
    ),
    Backdrop(
        "podium",
        "Plinth in a pastel studio",
        ("podium", "plinth", "pedestal", "pastel", "display", "stage", "pink", "beauty"),
        sets.podium((244, 214, 204), (238, 200, 188), (250, 232, 224)),
        base=0.815,
        room=0.66,
    ),
    Backdrop(
        "garden",
        "Garden, out of focus",
        ("garden", "forest", "outdoor", "outdoors", "nature", "park", "green", "spring", "grass"),
        sets.bokeh(
            (70, 102, 58),
            ((196, 214, 128), (236, 240, 190), (120, 160, 86)),
            sets.table((168, 132, 96), (80, 110, 70)),
        ),
        horizon=0.66,
    ),
    Backdrop(
        "festive",
        "Golden lights",
        (
            "christmas",
            "festive",
            "holiday",
            "party",
            "night",
            "lights",
            "gift",
            "celebration",
            "evening",
            "winter",
        ),
        sets.bokeh(
            (52, 36, 30),
            ((255, 206, 120), (255, 170, 84), (255, 232, 178)),
            sets.table((104, 70, 48), (60, 44, 40)),
        ),
        horizon=0.66,
    ),
    Backdrop(
        "city-evening",
        "City in the evening",
        ("city", "downtown", "fashion", "nightlife", "paris"),
        sets.bokeh(
            (44, 50, 70), ((255, 196, 128), (140, 176, 236), (250, 120, 110)), None, 110, 1.7
        ),
        people=True,
        horizon=0.9,
    ),
    Backdrop(
        "kitchen",
        "Kitchen counter",
        ("kitchen", "food", "cooking", "tile", "tiles", "breakfast", "coffee", "cafe"),
        sets.tiles((238, 240, 238), (206, 208, 206), sets.table((196, 156, 116), (230, 230, 226))),
        horizon=0.62,
    ),
    Backdrop(
        "brick",
        "Painted brick",
        ("brick", "bricks", "wall", "sneaker", "sneakers", "denim"),
        sets.bricks((206, 196, 186)),
        people=True,
        horizon=0.78,
        base=0.9,
    ),
    Backdrop(
        "shore",
        "Beach",
        ("beach", "sea", "ocean", "seaside", "holidays", "vacation", "sky", "surf"),
        sets.shore,
        people=True,
        horizon=0.6,
    ),
    Backdrop(
        "neon",
        "Coloured light in the dark",
        ("neon", "tech", "gaming", "cyber", "futuristic", "club", "electronics", "cyberpunk"),
        sets.glow((30, 28, 40), (214, 48, 160), (40, 120, 236)),
        people=True,
    ),
)
_BY_SLUG = {each.slug: each for each in SETS}


def named(slug: str) -> Choice:
    """The set of that slug. Raises KeyError."""
    return Choice(_BY_SLUG[slug], (), _BY_SLUG[slug].title)


def pick(prompt: str, *, people: bool = False, seed: int = 0) -> Choice:
    """The set whose words the prompt names most; a plain colour it names; else one by lot.

    The same prompt and seed pick the same set. `people` takes only sets that people stand in.
    """
    words = re.findall(r"[a-z]+", prompt.lower())
    offered = [each for each in SETS if each.people or not people]
    scored = [(tuple(w for w in words if w in each.words), each) for each in offered]
    # A colour alone says little: "white marble" is marble.
    matched, best = max(
        scored, key=lambda pair: (len(set(pair[0]) - set(COLOURS)), len(set(pair[0])))
    )
    colours = [word for word in words if word in COLOURS]
    if colours and len(set(matched) - set(COLOURS)) == 0:
        return _plain(colours[0])
    if matched:
        return Choice(best, tuple(dict.fromkeys(matched)), best.title)
    lot = int.from_bytes(hashlib.sha256(f"{seed}:{prompt}".encode()).digest()[:4], "big")
    drawn = offered[lot % len(offered)]
    return Choice(drawn, (), drawn.title)


def _plain(colour: str) -> Choice:
    shade = COLOURS[colour]
    floor = (int(shade[0] * 0.94), int(shade[1] * 0.94), int(shade[2] * 0.94))
    title = f"Plain {colour} studio"
    return Choice(
        Backdrop(f"plain-{colour}", title, (colour,), sets.sweep(shade, floor), people=True),
        (colour,),
        title,
    )


def drawn(choice: Choice, size: arrays.Size, seed: int) -> Scene:
    """The set at drawing size for a picture of that size."""
    backdrop = choice.backdrop
    width, height = arrays.fitted(*size, DRAW_SIDE)
    rng = np.random.default_rng([seed & 0xFFFFFFFF, len(backdrop.slug)])
    canvas = Canvas(width, height, rng, backdrop.horizon)
    colours = np.clip(backdrop.draw(canvas), 0, 255)
    return Scene(
        np.asarray(colours, np.float32),
        backdrop.horizon,
        backdrop.base,
        backdrop.light,
        backdrop.room,
    )
