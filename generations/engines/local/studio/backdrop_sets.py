"""How each backdrop set is drawn: walls, floors in perspective, light. Seeded, float RGB 0 to 255.

A set is drawn at `DRAW_SIDE` pixels at most and enlarged; what stands far from where the product
stands is out of focus as in a photo, which is why that is enough.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, smooth_steps
from generations.engines.local.studio.canvases import (
    Canvas,
    Colour,
    filled,
    lit_from,
    met,
    mixed,
    on_floor,
    softened,
    texture_of,
)

Draw = Callable[[Canvas], Floats]


def sweep(wall: Colour, floor: Colour) -> Draw:
    """Seamless paper that bends from wall to floor."""

    def draw(canvas: Canvas) -> Floats:
        bend = smooth_steps(canvas.down, canvas.horizon - 0.16, canvas.horizon + 0.14)
        bend = np.broadcast_to(bend, (canvas.height, canvas.width))
        paper = mixed(filled(canvas, wall), filled(canvas, floor), np.asarray(bend))
        # The bend catches a little less light, the floor in front a little more.
        band = np.exp(-(((canvas.down - canvas.horizon) / 0.09) ** 2))
        light = 1.0 - 0.035 * band + 0.03 * np.clip(canvas.down - canvas.horizon, 0, 1)
        centre = (0.42 + 0.1 * float(canvas.rng.random()), 0.45)
        return np.asarray(paper * light[..., None] * lit_from(canvas, centre, 0.13), np.float32)

    return draw


def _planks(canvas: Canvas, colour: Colour, count: int, contrast: float) -> Floats:
    """Boards that run from left to right with grain, each in a tone of its own."""
    texture, flat = texture_of(canvas, colour)
    side = flat.width
    fibres = (
        flat.noise(0.22, 0.0022) + 0.8 * flat.noise(0.5, 0.006) + 0.5 * flat.noise(0.07, 0.0012)
    )
    rows = np.floor(flat.down * count).astype(int)
    tones = canvas.rng.uniform(-1, 1, count + 1).astype(np.float32)[rows]
    texture *= (1.0 + contrast * (0.055 * fibres + 0.09 * tones))[..., None]
    # Rings that wander along a board.
    waves = np.sin((flat.down * count * 5.0 + 1.6 * flat.noise(0.35, 0.03)) * 2 * np.pi)
    texture *= (1.0 + 0.035 * contrast * waves)[..., None]
    seam = np.abs(flat.down * count - np.round(flat.down * count)) * side / count
    texture *= (1.0 - 0.45 * np.clip(1.6 - seam, 0, 1) * np.ones_like(flat.across))[..., None]
    return np.asarray(texture, np.float32)


def table(wood: Colour, wall: Colour, *, contrast: float = 1.0, planks: int = 7) -> Draw:
    """A wooden table in front of a plain wall that is out of focus."""

    def draw(canvas: Canvas) -> Floats:
        back = filled(canvas, wall) * (1.0 + 0.015 * canvas.noise(0.3, 0.3))[..., None]
        back = back * lit_from(canvas, (0.38, 0.3), 0.28)
        floor = on_floor(canvas, _planks(canvas, wood, planks, contrast))
        light = 0.86 + 0.22 * np.clip((canvas.down - canvas.horizon) / 0.4, 0, 1)
        return met(canvas, back, np.asarray(floor * light[..., None], np.float32), 0.004)

    return draw


def _veins(flat: Canvas, count: int) -> Floats:
    """Thin wandering lines as in marble, 0 to 1."""
    total = np.zeros((flat.height, flat.width), np.float32)
    for _ in range(count):
        bend = flat.noise(0.3, 0.3) * 0.16 + flat.noise(0.07, 0.07) * 0.028
        lean = float(flat.rng.uniform(-0.9, 0.9))
        place = flat.across + lean * flat.down + bend - float(flat.rng.uniform(-0.5, 1.5))
        width = float(flat.rng.uniform(0.002, 0.007)) * (1.0 + 0.6 * flat.noise(0.15, 0.15))
        line = np.exp(-np.abs(place) / np.maximum(np.abs(width), 0.0012))
        total = np.maximum(total, line * float(flat.rng.uniform(0.35, 1.0)))
    return total


def marble(base: Colour, vein: Colour, wall: Colour) -> Draw:
    """A polished marble top in front of a plain wall."""

    def draw(canvas: Canvas) -> Floats:
        texture, flat = texture_of(canvas, base)
        texture *= (1.0 + 0.022 * flat.noise(0.16, 0.16) + 0.012 * flat.noise(0.04, 0.04))[
            ..., None
        ]
        texture = mixed(texture, filled(flat, vein), np.asarray(0.75 * _veins(flat, 9), np.float32))
        back = filled(canvas, wall) * lit_from(canvas, (0.5, 0.35), 0.16)
        floor = on_floor(canvas, texture)
        # Polished stone shows a little of the wall.
        shine = 0.32 * np.exp(-np.clip(canvas.down - canvas.horizon, 0, 1) / 0.14)
        floor = mixed(floor, filled(canvas, wall), np.asarray(shine * np.ones_like(canvas.across)))
        return met(canvas, back, floor, 0.003)

    return draw


def concrete(colour: Colour) -> Draw:
    """A rough grey wall and floor."""

    def draw(canvas: Canvas) -> Floats:
        spots = (
            1.3 * canvas.noise(0.25, 0.2)
            + 0.9 * canvas.noise(0.06, 0.05)
            + 0.7 * canvas.noise(0.012, 0.012)
            + 0.6 * canvas.noise(0.003, 0.003)
        )
        wall = filled(canvas, colour) * (1.0 + 0.022 * spots)[..., None]
        wall *= lit_from(canvas, (0.35, 0.3), 0.3)
        texture, flat = texture_of(canvas, colour)
        texture *= (1.0 + 0.03 * flat.noise(0.2, 0.2) + 0.02 * flat.noise(0.01, 0.01))[..., None]
        floor = on_floor(canvas, texture) * np.float32(1.06)
        return met(canvas, np.asarray(wall, np.float32), floor, 0.008)

    return draw


def terrazzo(base: Colour, chips: tuple[Colour, ...], wall: Colour) -> Draw:
    """A speckled stone top in front of a coloured wall."""

    def draw(canvas: Canvas) -> Floats:
        texture, flat = texture_of(canvas, base)
        for _ in range(620):
            centre = canvas.rng.uniform(0, flat.width, 2)
            size = float(canvas.rng.gamma(2.0, 3.2)) + 2.0
            turn = np.sort(canvas.rng.uniform(0, 2 * np.pi, int(canvas.rng.integers(4, 7))))
            reach = size * canvas.rng.uniform(0.6, 1.15, turn.size)
            corners = centre + np.stack([np.cos(turn) * reach, np.sin(turn) * reach], axis=1)
            chip = chips[int(canvas.rng.integers(len(chips)))]
            points = np.rint(corners * 16).astype(np.int32)
            cv2.fillPoly(texture, [points], [float(v) for v in chip], cv2.LINE_AA, 4)
        back = filled(canvas, wall) * lit_from(canvas, (0.45, 0.35), 0.18)
        return met(canvas, back, on_floor(canvas, texture), 0.003)

    return draw


def linen(colour: Colour) -> Draw:
    """Cloth with a weave and soft folds."""

    def draw(canvas: Canvas) -> Floats:
        weave = canvas.noise(0.02, 0.0011) + canvas.noise(0.0011, 0.02)
        lean = canvas.across * 0.8 + canvas.down + 0.16 * canvas.noise(0.4, 0.3)
        folds = np.sin(lean * 2 * np.pi * 1.7) + 0.5 * np.sin(lean * 2 * np.pi * 3.9 + 1.0)
        light = 1.0 + 0.022 * weave + 0.035 * folds
        return np.asarray(filled(canvas, colour) * light[..., None], np.float32)

    return draw


def sunlit(wall: Colour, floor: Colour, *, leaves: bool) -> Draw:
    """A plain wall with the light of a window, or the shadow of leaves, across it."""

    def draw(canvas: Canvas) -> Floats:
        base = sweep(wall, floor)(canvas)
        shade = _leaf_shade(canvas) if leaves else _window_shade(canvas)
        tint = np.array([0.30, 0.27, 0.21], np.float32)
        fade = 1.0 - 0.55 * smooth_steps(canvas.down, canvas.horizon - 0.1, canvas.horizon + 0.3)
        return np.asarray(base * 1.05 * (1.0 - (shade * fade)[..., None] * tint), np.float32)

    return draw


def _window_shade(canvas: Canvas) -> Floats:
    """1 in shade, 0 in the light that falls through a leaning window of panes."""
    light = np.zeros((canvas.height, canvas.width), np.float32)
    side = max(canvas.width, canvas.height)
    left = float(canvas.rng.uniform(0.12, 0.3)) * canvas.width
    pane = np.array([0.2 * canvas.width, 0.24 * canvas.height])
    for row in range(3):
        for column in range(3):
            x, y = left + column * pane[0] * 1.1, -0.08 * canvas.height + row * pane[1] * 1.09
            corners = np.array(
                [[x, y], [x + pane[0], y], [x + pane[0], y + pane[1]], [x, y + pane[1]]]
            )
            corners[:, 0] -= 0.32 * (corners[:, 1] - 0.2 * canvas.height)
            corners[:, 1] += 0.16 * (corners[:, 0] - left)
            cv2.fillPoly(light, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return np.asarray(1.0 - cv2.GaussianBlur(light, (0, 0), 0.007 * side), np.float32)


def _leaf_shade(canvas: Canvas) -> Floats:
    """Soft shadows of fronds that hang in from one side."""
    shade = np.zeros((canvas.height, canvas.width), np.float32)
    side = max(canvas.width, canvas.height)
    for number in range(5):
        start = np.array(
            [(0.55 + 0.14 * number + canvas.rng.uniform(-0.04, 0.04)) * canvas.width, -0.06 * side]
        )
        way = float(canvas.rng.uniform(1.75, 2.35))
        _frond(shade, start, way, float(canvas.rng.uniform(0.42, 0.62)) * side, canvas)
    return softened(shade, 0.005, canvas)


def _frond(shade: Floats, start: np.ndarray, way: float, length: float, canvas: Canvas) -> None:
    """A bent twig with pairs of pointed leaves, long in its middle and short at its tip."""
    pairs = 13
    bend = float(canvas.rng.uniform(-0.045, 0.02))
    at = start
    for pair in range(pairs):
        way += bend
        following = at + length / pairs * np.array([np.cos(way), np.sin(way)])
        thick = max(1, round(length * 0.012 * (1.0 - pair / pairs)))
        ends = [tuple(int(part) for part in point) for point in (at, following)]
        cv2.line(shade, ends[0], ends[1], 1.0, thick, cv2.LINE_AA)
        at = following
        reach = length * 0.30 * np.sin(np.pi * (0.16 + 0.80 * pair / pairs))
        for turn in (-0.85, 0.85):
            _leaf(shade, at, way + turn + float(canvas.rng.uniform(-0.1, 0.1)), float(reach))


def _leaf(shade: Floats, stem: np.ndarray, way: float, length: float) -> None:
    """A pointed leaf from its stem on, `way` in radians."""
    along = np.linspace(0.0, 1.0, 12)
    half = 0.115 * length * np.sin(np.pi * along**0.75)
    ahead, aside = np.array([np.cos(way), np.sin(way)]), np.array([-np.sin(way), np.cos(way)])
    spine = stem + (along * length)[:, None] * ahead
    edges = np.concatenate([spine + half[:, None] * aside, (spine - half[:, None] * aside)[::-1]])
    cv2.fillPoly(shade, [np.rint(edges * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)


def podium(wall: Colour, floor: Colour, drum: Colour) -> Draw:
    """A round plinth in a coloured studio; products stand on its top."""

    def draw(canvas: Canvas) -> Floats:
        scene = sweep(wall, floor)(canvas)
        width, height = canvas.width, canvas.height
        radius = 0.40 * min(width, 1.1 * height)
        centre, top = width / 2, 0.80 * height
        flat = 0.17 * radius
        arch = filled(canvas, wall) * np.float32(0.93)
        ring = np.zeros((height, width), np.float32)
        box = (int(centre - 0.62 * radius), int(0.17 * height + 0.62 * radius))
        far = (int(centre + 0.62 * radius), int(canvas.horizon * height))
        cv2.rectangle(ring, box, far, 1.0, -1)
        reach = int(0.62 * radius)
        cv2.ellipse(ring, (int(centre), box[1]), (reach, reach), 0, 180, 360, 1.0, -1, cv2.LINE_AA)
        scene = mixed(scene, arch, softened(ring, 0.0012, canvas))
        x = (np.arange(width, dtype=np.float32) - centre) / radius
        round_light = np.clip(0.90 - 0.16 * x - 0.13 * x * x, 0, 1.2)
        body = np.asarray(filled(canvas, drum) * round_light[None, :, None], np.float32)
        side_mask = np.zeros((height, width), np.float32)
        cv2.rectangle(
            side_mask, (int(centre - radius), int(top)), (int(centre + radius), height), 1.0, -1
        )
        scene = mixed(scene, body, side_mask)
        lid = np.zeros((height, width), np.float32)
        cv2.ellipse(
            lid, (int(centre), int(top)), (int(radius), int(flat)), 0, 0, 360, 1.0, -1, cv2.LINE_AA
        )
        lit = filled(canvas, drum) * np.float32(1.04)
        return mixed(scene, lit, lid)

    return draw


def bokeh(
    dark: Colour, light: tuple[Colour, ...], floor: Draw | None, count: int = 90, size: float = 1.0
) -> Draw:
    """Discs of light out of focus, over a table or nothing."""

    def draw(canvas: Canvas) -> Floats:
        scene = filled(canvas, dark) * (1.0 + 0.16 * canvas.noise(0.22, 0.22))[..., None]
        side = max(canvas.width, canvas.height)
        for _ in range(count):
            layer = np.zeros((canvas.height // 2, canvas.width // 2), np.float32)
            x = float(canvas.rng.uniform(0, canvas.width)) / 2
            y = (
                float(canvas.rng.uniform(-0.05, canvas.horizon if floor else 1.0))
                * canvas.height
                / 2
            )
            radius = max(2, int(canvas.rng.uniform(0.008, 0.04) * size * side / 2))
            cv2.circle(layer, (int(x), int(y)), radius, 1.0, -1, cv2.LINE_AA)
            box = (
                slice(max(0, int(y) - radius - 4), max(0, int(y) + radius + 5)),
                slice(max(0, int(x) - radius - 4), max(0, int(x) + radius + 5)),
            )
            if not layer[box].size:
                continue
            colour = np.array(light[int(canvas.rng.integers(len(light)))], np.float32)
            strength = float(canvas.rng.uniform(0.10, 0.42))
            spot = np.zeros((canvas.height, canvas.width), np.float32)
            full = tuple(
                slice(2 * s.start, min(2 * s.stop, n)) for s, n in zip(box, spot.shape, strict=True)
            )
            view = scene[full]
            disc = cv2.resize(layer[box], (view.shape[1], view.shape[0]))[..., None] * strength
            scene[full] = view + (colour - view) * disc
        scene = softened(np.asarray(scene, np.float32), 0.004 * size, canvas)
        if floor is None:
            return scene
        front = floor(canvas)
        share = smooth_steps(canvas.down, canvas.horizon - 0.006, canvas.horizon + 0.006)
        return mixed(scene, front, np.asarray(np.broadcast_to(share, scene.shape[:2])))

    return draw


def tiles(tile: Colour, joint: Colour, counter: Draw) -> Draw:
    """A tiled wall behind a counter."""

    def draw(canvas: Canvas) -> Floats:
        wide, high = 0.125 * canvas.width, 0.0625 * canvas.width
        row = np.floor(np.arange(canvas.height) / high)
        x = np.arange(canvas.width)[None] + (row[:, None] % 2) * wide / 2
        column = np.floor(x / wide)
        tone = np.sin((row[:, None] * 12.9898 + column * 78.233) * 43.7) * 0.02
        scene = filled(canvas, tile) * (1.0 + tone)[..., None]
        in_x = np.minimum(x % wide, wide - x % wide)
        y = (np.arange(canvas.height) % high)[:, None]
        edge = np.minimum(in_x, np.minimum(y, high - y)) / (0.0018 * canvas.width)
        share = np.clip(1.4 - edge, 0, 1)
        wall = softened(
            mixed(np.asarray(scene, np.float32), filled(canvas, joint), share), 0.0022, canvas
        )
        wall = np.asarray(wall * lit_from(canvas, (0.4, 0.3), 0.22), np.float32)
        front = counter(canvas)
        share = smooth_steps(canvas.down, canvas.horizon - 0.003, canvas.horizon + 0.003)
        return mixed(wall, front, np.asarray(np.broadcast_to(share, wall.shape[:2])))

    return draw


def bricks(colour: Colour) -> Draw:
    """A painted brick wall over a plain floor."""
    wall = tiles(colour, (176, 168, 160), sweep((150, 144, 138), (168, 162, 156)))

    def draw(canvas: Canvas) -> Floats:
        rough = 1.0 + 0.03 * canvas.noise(0.006, 0.006) + 0.03 * canvas.noise(0.1, 0.1)
        return np.asarray(wall(canvas) * rough[..., None], np.float32)

    return draw


def shore(canvas: Canvas) -> Floats:
    """Sand, sea and sky; sea and sky out of focus."""
    sky = mixed(
        filled(canvas, (150, 196, 226)),
        filled(canvas, (236, 238, 232)),
        np.asarray(np.broadcast_to(canvas.down / canvas.horizon, (canvas.height, canvas.width))),
    )
    sky += 7.0 * np.clip(canvas.noise(0.35, 0.07), 0, 2)[..., None]
    sea = filled(canvas, (86, 158, 172)) * (1.0 + 0.05 * canvas.noise(0.3, 0.008))[..., None]
    share = smooth_steps(canvas.down, canvas.horizon - 0.13, canvas.horizon - 0.12)
    back = mixed(
        sky, np.asarray(sea, np.float32), np.asarray(np.broadcast_to(share, sky.shape[:2]))
    )
    texture, flat = texture_of(canvas, (226, 203, 168))
    ripples = (
        flat.noise(0.12, 0.018) + 0.8 * flat.noise(0.004, 0.003) + 0.5 * flat.noise(0.02, 0.01)
    )
    texture *= (1.0 + 0.035 * ripples)[..., None]
    return met(canvas, softened(back, 0.006, canvas), on_floor(canvas, texture), 0.012)


def glow(dark: Colour, left: Colour, right: Colour) -> Draw:
    """A dark studio with coloured light from both sides."""

    floor = (int(0.8 * dark[0]), int(0.8 * dark[1]), int(0.8 * dark[2]))

    def draw(canvas: Canvas) -> Floats:
        scene = sweep(dark, floor)(canvas)
        for place, colour in ((0.08, left), (0.92, right)):
            far = ((canvas.across - place) ** 2 + (canvas.down - 0.4) ** 2) / 0.16
            glow_of = np.exp(-far)[..., None] * np.array(colour, np.float32) * 0.62
            scene = np.asarray(scene + glow_of, np.float32)
        return np.asarray(np.minimum(scene, 255.0), np.float32)

    return draw
