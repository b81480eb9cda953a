"""What an MP4 says about itself, read from its boxes: enough to tell a clip from a web page."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from generations.engines.google.errors import unusable

_HEADER = 8
_MAX_MOOV = 16 * 1024 * 1024
_SECONDS_TOLERANCE = 1.0


@dataclass(frozen=True)
class Clip:
    """Length and picture size of a video."""

    seconds: float
    width: int
    height: int


def check_clip(file: BinaryIO, seconds: float) -> Clip:
    """Read the clip; a GoogleFailure when it is none, or a second off the asked length."""
    try:
        clip = read_clip(file)
    except (ValueError, struct.error, IndexError) as error:
        raise unusable("bad_video", f"No MP4: {error}") from error
    if abs(clip.seconds - seconds) > _SECONDS_TOLERANCE:
        raise unusable("bad_video", f"{clip.seconds:.2f} s long, {seconds:g} s were asked for.")
    return clip


def read_clip(file: BinaryIO) -> Clip:
    """The clip's facts; ValueError when the file is no MP4 with a video track."""
    moov = _find_moov(file)
    seconds = next((_duration(body) for kind, body in _boxes(moov) if kind == b"mvhd"), 0.0)
    tracks = [body for kind, body in _boxes(moov) if kind == b"trak"]
    for track in tracks:
        if _is_video(track):
            width, height = _track_size(track)
            return Clip(seconds, width, height)
    raise ValueError("no video track")


def _find_moov(file: BinaryIO) -> bytes:
    file.seek(0)
    first = True
    while len(header := file.read(_HEADER)) == _HEADER:
        size, kind = struct.unpack(">I4s", header)
        used = _HEADER
        if size == 1:
            size, used = struct.unpack(">Q", file.read(8))[0], _HEADER + 8
        if first and kind != b"ftyp":
            raise ValueError("no ftyp box at the start")
        if size < used:
            raise ValueError(f"box {kind!r} of {size} bytes")
        first = False
        if kind == b"moov":
            if size > _MAX_MOOV:
                raise ValueError("moov box too large")
            return file.read(size - used)
        file.seek(size - used, 1)
    raise ValueError("no moov box")


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + _HEADER <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        if size < _HEADER:
            return
        yield kind, data[position + _HEADER : position + size]
        position += size


def _duration(mvhd: bytes) -> float:
    if mvhd[0] == 1:
        scale, units = struct.unpack_from(">IQ", mvhd, 20)
    else:
        scale, units = struct.unpack_from(">II", mvhd, 12)
    if not scale:
        raise ValueError("mvhd without time scale")
    return float(units / scale)


def _is_video(track: bytes) -> bool:
    media = next((body for kind, body in _boxes(track) if kind == b"mdia"), b"")
    return any(kind == b"hdlr" and body[8:12] == b"vide" for kind, body in _boxes(media))


def _track_size(track: bytes) -> tuple[int, int]:
    header = next((body for kind, body in _boxes(track) if kind == b"tkhd"), b"")
    width, height = struct.unpack(">II", header[-8:])
    return width >> 16, height >> 16
