"""Placeholder renders for tools that need an AI model: drawn, with the prompt, visibly marked.

Nothing here pretends: a card shows the merchant's pictures beside a drawn figure or shape, the
prompt as it was asked, and a mark on every part of the picture. Same input and seed, same bytes.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Check, Photo, Size, no_deadline
from generations.engines.local.pixels.metadata import SANDBOX_TEXT
from generations.engines.local.studio import films
from generations.engines.local.studio.films import Film, Move

Kind = Literal["try-on", "model", "picture", "film"]

MARK = "SANDBOX PLACEHOLDER"
_SMALL_MARK = "No AI model made this picture"
_PROMPT_LINES = 4
MOST_SHOWN = 4
_DRAW_SIDE = 1536
_MOVES: tuple[Move, ...] = ("push", "slide", "rise")

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class CardOptions:
    """What is on the card. `font` is a file with the letters of the prompt; None is Pillow's own."""

    kind: Kind
    tool: str
    prompt: str
    size: Size
    seed: int = 0
    seconds: int = 4
    font: str | None = None


def card(
    options: CardOptions, inputs: Sequence[Photo] = (), *, check: Check = no_deadline
) -> Photo:
    """The placeholder as a picture (RGB) of exactly the asked size."""
    size = arrays.fitted(*options.size, _DRAW_SIDE)
    art = _art(options, inputs, size, check)
    small = _written(art, options, _palette(options))
    if size == options.size:
        return small
    check()
    return np.asarray(cv2.resize(small, options.size, interpolation=cv2.INTER_CUBIC), np.uint8)


def film(options: CardOptions, inputs: Sequence[Photo] = (), *, check: Check = no_deadline) -> Film:
    """The placeholder as a film: the art under a camera, mark and prompt standing still."""
    width, height = options.size
    canvas = (round(width * 1.18), round(height * 1.18))
    art = _art(options, inputs, canvas, check)
    blank = np.zeros((height, width, 3), np.uint8)
    # Writing on black and on white tells colour and transparency of the writing.
    on_black = _written(blank, options, _palette(options)).astype(np.int16)
    on_white = _written(blank + np.uint8(255), options, _palette(options)).astype(np.int16)
    frames = _frames(art, canvas, on_black, np.asarray(on_white - on_black, np.uint16), options)
    return films.encoded(frames, options.size, options.seconds, comment=SANDBOX_TEXT, check=check)


def _frames(
    art: Photo, canvas: Size, writing: np.ndarray, shows: np.ndarray, options: CardOptions
) -> Iterator[Photo]:
    width, height = options.size
    count = options.seconds * films.FRAMES_A_SECOND
    move = _MOVES[_hash(options)[3] % len(_MOVES)]
    bar = max(4, height // 160)
    for number in range(count):
        share = number / (count - 1)
        matrix = films.camera_at(move, share).placing(canvas, options.size)
        moved = cv2.warpAffine(art, matrix, options.size, flags=cv2.INTER_LINEAR)
        frame = (writing + ((np.asarray(moved, np.uint16) * shows + 127) // 255)).astype(np.uint8)
        frame[-bar:, : max(1, round(share * width))] = 255
        yield frame


def _hash(options: CardOptions) -> bytes:
    return hashlib.sha256(f"{options.kind}|{options.prompt}|{options.seed}".encode()).digest()


def _palette(options: CardOptions) -> tuple[tuple[int, int, int], ...]:
    """Four colours that go together: dark, middle, light and one that stands out."""
    value = _hash(options)
    hue = value[0] / 255.0
    other = (hue + (0.08, 0.42, 0.5)[value[1] % 3]) % 1.0

    def colour(h: float, lightness: float, saturation: float) -> tuple[int, int, int]:
        r, g, b = colorsys.hls_to_rgb(h, lightness, saturation)
        return round(255 * r), round(255 * g), round(255 * b)

    return (
        colour(hue, 0.22, 0.30),
        colour(hue, 0.62, 0.38),
        colour(hue, 0.86, 0.42),
        colour(other, 0.62, 0.55),
    )


def _art(options: CardOptions, inputs: Sequence[Photo], size: Size, check: Check) -> Photo:
    """Soft colour fields, a drawn figure where the tool has one, and the merchant's pictures."""
    width, height = size
    _, middle, light, accent = _palette(options)
    rng = np.random.default_rng(int.from_bytes(_hash(options)[4:12], "big"))
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    first, second, third = (np.array(c, np.float32) for c in (light, middle, accent))
    field = first + (second - first) * (0.75 * down + 0.25 * across)
    for colour in (third, first, second):
        x, y, reach = rng.uniform(0, 1), rng.uniform(0, 0.9), rng.uniform(0.05, 0.14)
        pool = np.exp(-(((across - x) * width / height) ** 2 + (down - y) ** 2) / reach)
        field = field + (colour - field) * (0.6 * pool).astype(np.float32)
    field = field + arrays.grain(rng, size, 1.4)
    picture = Image.fromarray(arrays.as_photo(field))
    check()
    if options.kind in ("try-on", "model"):
        _draw_figure(picture, options, beside=bool(inputs))
    elif not inputs:
        _draw_shapes(picture, options, rng)
    _hang(picture, inputs[:MOST_SHOWN], options)
    return np.asarray(picture)


def _draw_figure(picture: Image.Image, options: CardOptions, *, beside: bool) -> None:
    """A tailor's dummy: head, neck, body on a stand; clearly no person."""
    scale = 2
    layer = Image.new("L", (picture.width * scale, picture.height * scale), 0)
    pen = ImageDraw.Draw(layer)
    unit = min(picture.height * 0.62, picture.width * 1.05) * scale
    x = picture.width * scale * (0.30 if beside else 0.5)
    y = picture.height * scale * 0.13
    pen.ellipse((x - 0.055 * unit, y, x + 0.055 * unit, y + 0.15 * unit), fill=255)
    pen.rounded_rectangle(
        (x - 0.028 * unit, y + 0.13 * unit, x + 0.028 * unit, y + 0.22 * unit),
        0.01 * unit,
        fill=255,
    )
    right = [
        (0.03, 0.185),
        (0.09, 0.205),
        (0.155, 0.235),
        (0.17, 0.30),
        (0.15, 0.37),
        (0.125, 0.43),
        (0.105, 0.50),
        (0.115, 0.56),
        (0.15, 0.64),
        (0.155, 0.70),
        (0.13, 0.74),
        (0.0, 0.755),
    ]
    outline = [(x + a * unit, y + b * unit) for a, b in right]
    outline += [(x - a * unit, y + b * unit) for a, b in reversed(right)]
    pen.polygon(outline, fill=255)
    pen.rectangle((x - 0.008 * unit, y + 0.75 * unit, x + 0.008 * unit, y + 0.95 * unit), fill=255)
    pen.ellipse((x - 0.13 * unit, y + 0.93 * unit, x + 0.13 * unit, y + 0.965 * unit), fill=255)
    soft = cv2.GaussianBlur(np.asarray(layer), (0, 0), 0.008 * unit)
    mask = Image.fromarray(np.asarray(soft)).point(lambda v: 255 if v > 127 else 0)
    small = mask.resize(picture.size, Image.Resampling.LANCZOS)
    dark = _palette(options)[0]
    shadow = small.point(lambda v: v * 60 // 255)
    picture.paste(dark, (round(0.012 * unit / scale), round(0.008 * unit / scale)), shadow)
    picture.paste((246, 242, 236), (0, 0), small)
    light = np.linspace(0, 70, picture.width, dtype=np.float32)[None] * np.ones((picture.height, 1))
    shade = (np.asarray(small, np.float32) / 255.0 * light).astype(np.uint8)
    picture.paste(dark, (0, 0), Image.fromarray(shade))


def _draw_shapes(picture: Image.Image, options: CardOptions, rng: np.random.Generator) -> None:
    """An abstract still: discs and arches on a ground line, from the prompt's colours."""
    width, height = picture.size
    dark, middle, light, accent = _palette(options)
    layer = Image.new("RGBA", (2 * width, 2 * height))
    pen = ImageDraw.Draw(layer)
    unit, ground = 2 * min(width, height), 2 * height * 0.62
    pen.ellipse(
        (width - 0.27 * unit, ground - 0.62 * unit, width + 0.27 * unit, ground - 0.08 * unit),
        fill=(*accent, 235),
    )
    for number in range(4):
        wide = float(rng.uniform(0.07, 0.13)) * unit
        high = float(rng.uniform(0.16, 0.40)) * unit
        x = width + (number - 1.5) * 0.2 * unit
        colour = (light, middle, dark, (250, 246, 240))[number]
        pen.rounded_rectangle(
            (x - wide, ground - high, x + wide, ground),
            radius=wide * 0.98,
            corners=(True, True, False, False),
            fill=(*colour, 240),
        )
    pen.rectangle((0, ground, 2 * width, 2 * height), fill=(*dark, 60))
    small = layer.resize(picture.size, Image.Resampling.LANCZOS)
    picture.paste(small, (0, 0), small)


def _hang(picture: Image.Image, inputs: Sequence[Photo], options: CardOptions) -> None:
    """The merchant's pictures as prints with a white border."""
    if not inputs:
        return
    width, height = picture.size
    beside = options.kind in ("try-on", "model")
    area = (0.53, 0.15, 0.93, 0.66) if beside else (0.12, 0.14, 0.88, 0.68)
    columns = 1 if len(inputs) == 1 or (beside and len(inputs) < 3) else 2
    rows = -(-len(inputs) // columns)
    cell = ((area[2] - area[0]) * width / columns, (area[3] - area[1]) * height / rows)
    border = max(4, round(0.012 * min(width, height)))
    for number, photo in enumerate(inputs):
        print_ = Image.fromarray(_on_white(photo))
        print_.thumbnail((int(0.9 * cell[0] - 2 * border), int(0.9 * cell[1] - 2 * border)))
        x = area[0] * width + (number % columns + 0.5) * cell[0] - print_.width / 2 - border
        y = area[1] * height + (number // columns + 0.5) * cell[1] - print_.height / 2 - border
        frame = Image.new("RGB", (print_.width + 2 * border, print_.height + 2 * border), "white")
        frame.paste(print_, (border, border))
        shadow = Image.new("L", (frame.width + 4 * border, frame.height + 4 * border), 0)
        shadow.paste(
            90, (2 * border, 2 * border, 2 * border + frame.width, 2 * border + frame.height)
        )
        blurred = cv2.GaussianBlur(np.asarray(shadow), (0, 0), border * 0.8)
        picture.paste(
            (20, 18, 24), (round(x) - 2 * border, round(y) - border), Image.fromarray(blurred)
        )
        picture.paste(frame, (round(x), round(y)))


def _on_white(photo: Photo) -> Photo:
    small = arrays.resized(photo, arrays.fitted(photo.shape[1], photo.shape[0], 900))
    if small.shape[2] == 3:
        return small
    share = small[..., 3:].astype(np.float32) / 255.0
    return arrays.as_photo(small[..., :3] * share + 255.0 * (1.0 - share))


def _font(options: CardOptions, size: float) -> Font:
    if options.font:
        return ImageFont.truetype(options.font, max(8, round(size)))
    return ImageFont.load_default(max(8, round(size)))


def _written(art: Photo, options: CardOptions, palette: Sequence[tuple[int, int, int]]) -> Photo:
    """The art with the mark (a band, and faintly all over) and the prompt's panel on it."""
    picture = Image.fromarray(art)
    _all_over(picture, options)
    width, height = picture.size
    unit = min(width, height)
    pen = ImageDraw.Draw(picture, "RGBA")
    edge = round(0.045 * unit)
    big, small = _font(options, 0.030 * unit), _font(options, 0.022 * unit)
    box = pen.textbbox((0, 0), MARK, font=big)
    pad = round(0.016 * unit)
    right = edge + int(box[2]) + 2 * pad
    pen.rounded_rectangle(
        (edge, edge, right, edge + int(box[3]) + 2 * pad), pad, fill=(20, 18, 24, 235)
    )
    pen.text((edge + pad, edge + pad - box[1] / 2), MARK, font=big, fill=(255, 214, 92, 255))
    body = _font(options, 0.034 * unit)
    lines = _wrapped(
        options.prompt.strip() or "No prompt was given.", body, width - 2 * edge - 4 * pad, pen
    )
    step = round(0.047 * unit)
    top = height - edge - step * len(lines) - round(0.105 * unit)
    pen.rounded_rectangle(
        (edge, top, width - edge, height - edge), 2 * pad, fill=(*palette[0], 226)
    )
    left = edge + 2 * pad
    pen.text((left, top + 1.2 * pad), options.tool, font=small, fill=(*palette[2], 255))
    for number, line in enumerate(lines):
        pen.text(
            (left, top + 1.6 * pad + 0.032 * unit + number * step),
            line,
            font=body,
            fill=(255, 255, 255, 255),
        )
    pen.text(
        (left, height - edge - pad - 0.024 * unit),
        _SMALL_MARK,
        font=small,
        fill=(255, 214, 92, 255),
    )
    return np.asarray(picture)


def _all_over(picture: Image.Image, options: CardOptions) -> None:
    """The word faintly across the whole picture, so that no crop is without it."""
    width, height = picture.size
    reach = int(1.5 * max(width, height))
    layer = Image.new("L", (reach, reach), 0)
    pen = ImageDraw.Draw(layer)
    font = _font(options, 0.042 * min(width, height))
    word = "SANDBOX"
    wide = pen.textlength(word, font=font) * 1.9
    for row in range(int(reach / (0.17 * min(width, height))) + 1):
        y = row * 0.17 * min(width, height)
        for column in range(-1, int(reach / wide) + 1):
            pen.text((column * wide + (row % 2) * wide / 2, y), word, font=font, fill=50)
    turned = layer.rotate(24, Image.Resampling.BICUBIC)
    left, top = (reach - width) // 2, (reach - height) // 2
    picture.paste((255, 255, 255), (0, 0), turned.crop((left, top, left + width, top + height)))


def _wrapped(text: str, font: Font, width: float, pen: ImageDraw.ImageDraw) -> list[str]:
    """The text in lines that fit, cut with an ellipsis after the last one."""
    lines, line = [], ""
    for word in " ".join(text.split())[:600].split(" "):
        rest = word
        while pen.textlength(f"{line} {rest}".strip(), font=font) > width:
            if line:
                lines.append(line)
                line = ""
                continue
            fits = max(
                1,
                next(
                    n
                    for n in range(len(rest), 0, -1)
                    if n == 1 or pen.textlength(rest[:n], font=font) <= width
                ),
            )
            if fits >= len(rest):
                break
            lines.append(rest[:fits])
            rest = rest[fits:]
        line = f"{line} {rest}".strip()
    lines.append(line)
    if len(lines) <= _PROMPT_LINES:
        return lines
    return [*lines[: _PROMPT_LINES - 1], lines[_PROMPT_LINES - 1].rstrip(" .,") + " …"]
