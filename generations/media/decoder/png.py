"""What of a PNG makes its pixels, and what it says about their colours.

The file is taken apart before Pillow sees it: texts, profiles and other extras are thrown away in
the end and may not stop a good picture, however large they are and whatever their checksums say.

Source: PNG specification, third edition: "Chunk specifications", and which of several colour chunks
counts (cICP before iCCP before sRGB before gAMA with cHRM).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import ExifTags
from PIL.PngImagePlugin import PngImageFile

from generations.media.decoder import png_colours

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, TRUECOLOUR, PALETTE, GREY_WITH_ALPHA = 0, 2, 3, 4
MAX_PROFILE_BYTES = 16 * 1024 * 1024

_PIXELS = (b"PLTE", b"IDAT", b"IEND")
_COLOURS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_TURNING_TEXTS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")
_CHUNK_EXTRA = 12  # Length, type and checksum.


class Chunk(NamedTuple):
    """One chunk: its type, its data, and all of it as it stands in the file."""

    kind: bytes
    data: memoryview
    whole: memoryview

    @property
    def is_intact(self) -> bool:
        """Whether its checksum is right."""
        checksum = int.from_bytes(self.whole[-4:], "big")
        return zlib.crc32(self.whole[4:-4]) == checksum


@dataclass
class Png:
    """A PNG taken apart. `pixels` is a PNG again, of nothing but what makes the pixels.

    `colour_key` is the one colour that is transparent, as `tRNS` has it, for pictures without a
    palette.
    """

    width: int
    height: int
    depth: int
    colour_type: int
    pixels: bytes = b""
    frames: int = 1
    colour_key: tuple[int, ...] | None = None
    orientation: int = 1
    colours: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def profile(self) -> bytes | None:
        """The ICC profile that the colour chunks mean; None for sRGB."""
        return png_colours.profile(
            self.colours, is_grey=self.colour_type in (GREY, GREY_WITH_ALPHA)
        )


def take_apart(content: bytes) -> Png:
    """Raises ValueError for a file without a header."""
    chunks = _chunks(content)
    header = next(chunks, None)
    if header is None or header.kind != b"IHDR" or len(header.data) != 13:
        raise ValueError("A PNG begins with its header")
    png = Png(*struct.unpack(">IIBB", header.data[:10]))
    kept: list[bytes | memoryview] = [SIGNATURE, header.whole]
    metadata: list[Chunk] = []
    has_pixels = False
    for chunk in chunks:
        has_pixels = has_pixels or chunk.kind == b"IDAT"
        if chunk.kind in _PIXELS or (chunk.kind == b"tRNS" and png.colour_type == PALETTE):
            kept.append(chunk.whole)
        elif chunk.kind in _METADATA:
            metadata.append(chunk)
        elif not has_pixels and chunk.is_intact:
            _note(png, chunk)
    png.pixels = b"".join(kept)
    png.orientation = _orientation(metadata)
    return png


def _chunks(content: bytes) -> Iterator[Chunk]:
    """Every chunk up to the end; a last one that is cut off as it is."""
    view, at = memoryview(content), len(SIGNATURE)
    while at < len(content):
        length = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        whole = view[at : at + length + _CHUNK_EXTRA]
        yield Chunk(kind, whole[8:-4] if len(whole) > _CHUNK_EXTRA else whole[:0], whole)
        if kind == b"IEND":
            return
        at += length + _CHUNK_EXTRA


def _note(png: Png, chunk: Chunk) -> None:
    """What an intact chunk before the pixels says of them."""
    if chunk.kind == b"acTL" and len(chunk.data) == 8:
        png.frames = max(1, int.from_bytes(chunk.data[:4], "big"))
    elif chunk.kind == b"tRNS" and len(chunk.data) == _key_length(png.colour_type):
        samples = struct.unpack(f">{len(chunk.data) // 2}H", chunk.data)
        png.colour_key = tuple(sample & (1 << png.depth) - 1 for sample in samples)
    elif chunk.kind == b"iCCP":
        profile = _unpacked_profile(bytes(chunk.data))
        if profile:
            png.colours.setdefault(chunk.kind, profile)
    elif chunk.kind in _COLOURS:
        png.colours.setdefault(chunk.kind, bytes(chunk.data))


def _key_length(colour_type: int) -> int:
    return {GREY: 2, TRUECOLOUR: 6}.get(colour_type, -1)


def _unpacked_profile(data: bytes) -> bytes | None:
    """The profile of an iCCP chunk; None for one that cannot be unpacked or is too large."""
    _name, _, packed = data.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if unpacker.eof else None


def _orientation(metadata: list[Chunk]) -> int:
    """Which side is up by EXIF, or by the texts in which older programs keep it; 1 is upright."""
    exif = [chunk for chunk in metadata if chunk.kind == b"eXIf" and chunk.is_intact]
    texts = [
        chunk
        for chunk in metadata
        if bytes(chunk.data[:40]).startswith(_TURNING_TEXTS) and chunk.is_intact
    ]
    for chunks in (exif, exif + texts):
        turn = _orientation_in(chunks)
        if turn != 1:
            return turn
    return 1


def _orientation_in(chunks: list[Chunk]) -> int:
    if not chunks:
        return 1
    header = _packed(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, GREY, 0, 0, 0))
    pixel = _packed(b"IDAT", zlib.compress(b"\0\0")) + _packed(b"IEND", b"")
    stub = SIGNATURE + header + b"".join(chunk.whole for chunk in chunks) + pixel
    try:
        with PngImageFile(io.BytesIO(stub)) as image:
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001
        # Metadata is thrown away: whatever is wrong with it, the picture stays as it is.
        return 1


def _packed(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
