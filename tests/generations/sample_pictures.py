"""Pictures as merchants have them, made on the spot: in every format, and with every defect."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageDraw

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 160, 60), (30, 60, 200), (250, 250, 250)


def quarters(width: int = 480, height: int = 320) -> Image.Image:
    """Four colours, one per quarter, so that every turn and mirroring shows."""
    image = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2, height), fill=BLUE)
    draw.rectangle((width // 2, height // 2, width, height), fill=WHITE)
    return image


def see_through(width: int = 400, height: int = 400) -> Image.Image:
    """A disc on nothing, with a half transparent ring around it."""
    alpha = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(alpha)
    draw.ellipse((40, 40, width - 40, height - 40), fill=128)
    draw.ellipse((80, 80, width - 80, height - 80), fill=255)
    image = Image.new("RGB", (width, height), RED)
    image.putalpha(alpha)
    return image


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """The picture as a file; HEIC through the development-only encoder."""
    stream = io.BytesIO()
    if file_format == "HEIC":
        pillow_heif.from_pillow(image).save(stream, quality=90, **options)
    else:
        image.save(stream, file_format, **options)
    return stream.getvalue()


def gps_exif(orientation: int = 1) -> Image.Exif:
    """What a phone writes: where the photo was taken, with what, and which side is up."""
    exif = Image.Exif()
    exif[0x0110] = "Pocket Phone 12"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif


def red_and_green_swapped_profile() -> bytes:
    """A profile whose red and green are swapped: unmistakable, unlike a true wide-gamut one."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    places = {bytes(profile[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile).replace(
        "sRGB built-in".encode("utf-16-be"), "odd  built-in".encode("utf-16-be")
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG with its length and checksum."""
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


def with_chunks(png: bytes, chunks: bytes) -> bytes:
    """The PNG with more chunks right behind its header."""
    return png[:33] + chunks + png[33:]


def png_of(colour_type: int, depth: int, samples: np.ndarray) -> bytes:
    """A PNG of these samples (rows, columns, channels), in modes that Pillow does not write."""
    height, width, _channels = samples.shape
    if depth == 16:
        rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    elif depth == 8:
        rows = samples.astype(np.uint8).reshape(height, -1)
    else:
        bits = np.unpackbits(samples.astype(np.uint8), axis=2)[..., 8 - depth :]
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    filtered = np.hstack([np.zeros((height, 1), np.uint8), rows])
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(filtered.tobytes())
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [png_chunk(b"IHDR", header), png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")]
    )


def png_of_nothing(width: int, height: int) -> bytes:
    """A valid one-bit PNG of any size whose pixels compress to next to nothing."""
    row = b"\0" * (1 + width * 3)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            png_chunk(b"IDAT", pixels),
            png_chunk(b"IEND", b""),
        ]
    )


def product_on_table(width: int = 900, height: int = 700) -> Image.Image:
    """A dark vase-like shape on light, slightly uneven ground, with a known outline."""
    noise = np.random.default_rng(7).normal(0, 3, (height, width, 1))
    ground = np.array([214.0, 206.0, 196.0]) + noise
    image = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for (left, top, right, bottom), colour in product_outline(width, height):
        draw.ellipse((left, top, right, bottom), fill=colour)
    return image


def product_outline(width: int, height: int) -> list[tuple[tuple[int, int, int, int], Any]]:
    """The ellipses that the product on the table is made of."""
    middle, unit = width // 2, height // 10
    return [
        ((middle - 2 * unit, 3 * unit, middle + 2 * unit, 9 * unit), (150, 40, 30)),
        ((middle - unit, 1 * unit, middle + unit, 5 * unit), (165, 50, 36)),
    ]
