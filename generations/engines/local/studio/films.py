"""Encoding of frames: H.264 High, yuv420p, 24 frames a second, MP4 with its index in front."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Check, Floats, Photo, Size, no_deadline

FRAMES_A_SECOND = 24
Seconds = Literal[4, 6, 8]
Move = Literal["push", "slide", "rise"]
SIZES: tuple[Size, ...] = ((720, 1280), (1280, 720), (1080, 1080))


@dataclass(frozen=True)
class Film:
    """An MP4 file, its poster (a frame as picture), its size, frames and seconds."""

    content: bytes
    poster: Photo
    size: Size
    frames: int
    seconds: int


@dataclass(frozen=True)
class Camera:
    """Where the camera is: how close, and how far from the middle as shares of the frame."""

    zoom: float
    across: float
    down: float

    def placing(self, canvas: Size, frame: Size, focus: float = 0.5) -> Floats:
        """The affine matrix from canvas to frame; `focus` is the height that the zoom holds."""
        x = canvas[0] / 2 + self.across * frame[0]
        y = canvas[1] * focus + self.down * frame[1]
        return np.array(
            [
                [self.zoom, 0, frame[0] / 2 - self.zoom * x],
                [0, self.zoom, frame[1] * focus - self.zoom * y],
            ],
            np.float32,
        )


def camera_at(move: Move, share: float) -> Camera:
    """The camera at a share (0 to 1) of the film; it starts and ends softly."""
    eased = share * share * (3.0 - 2.0 * share)
    if move == "push":
        return Camera(1.0 + 0.09 * eased, 0.0, 0.012 * (0.5 - eased))
    if move == "slide":
        return Camera(1.035, 0.11 * (eased - 0.5), 0.0)
    return Camera(1.07 - 0.06 * eased, 0.0, 0.085 * (0.5 - eased))


def _planes(picture: Photo) -> Photo:
    """The frame as yuv420p; the encoder's own conversion differs in single bits between runs."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8)


def encoded(
    frames: Iterator[Photo],
    size: Size,
    seconds: int,
    *,
    poster_at: float = 0.55,
    comment: str = "",
    check: Check = no_deadline,
) -> Film:
    """Encode exactly seconds x 24 frames (RGB) that the iterator yields.

    One thread, so that the same frames give the same bytes.
    """
    count = seconds * FRAMES_A_SECOND
    poster: Photo | None = None
    # The index can only be moved to the front in a real file.
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            if comment:
                container.metadata["comment"] = comment
            stream = container.add_stream(
                "libx264",
                rate=FRAMES_A_SECOND,
                options={"preset": "veryfast", "crf": "19", "profile": "high", "threads": "1"},
            )
            stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
            for number in range(count):
                check()
                picture = next(frames)
                if number == round(poster_at * (count - 1)):
                    poster = picture.copy()
                frame = av.VideoFrame.from_ndarray(_planes(picture), format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        content = path.read_bytes()
    if poster is None:
        raise ValueError("A film has at least one frame.")
    return Film(content, poster, size, count, seconds)
