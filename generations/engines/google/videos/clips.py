"""Stills and squares of a clip that Google made: FFmpeg through PyAV, in memory."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from generations.engines.google.errors import unusable

Pixels = npt.NDArray[np.uint8]
_BROKEN = (av.FFmpegError, StopIteration, IndexError, ValueError)


def poster(content: bytes) -> bytes:
    """The clip's first frame as a JPEG; a GoogleFailure when it does not decode."""
    try:
        with av.open(io.BytesIO(content), "r") as clip:
            frame = next(clip.decode(video=0))
            image = Image.fromarray(frame.to_ndarray(format="rgb24"))
    except _BROKEN as error:
        raise unusable("bad_video", f"No frame decodes: {error}") from error
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def square(content: bytes) -> bytes:
    """The middle square of a clip, encoded anew; a GoogleFailure when it does not decode."""
    target = io.BytesIO()
    try:
        with av.open(io.BytesIO(content), "r") as clip, av.open(target, "w", format="mp4") as made:
            source = clip.streams.video[0]
            rate = source.average_rate or Fraction(24)
            stream = made.add_stream("libx264", rate=rate, options={"crf": "18"})
            stream.width = stream.height = side = min(source.width, source.height) // 2 * 2
            stream.pix_fmt = "yuv420p"
            for frame in clip.decode(source):
                cut = av.VideoFrame.from_ndarray(_middle(frame, side), format="rgb24")
                made.mux(stream.encode(cut))
            made.mux(stream.encode())
    except _BROKEN as error:
        raise unusable("bad_video", f"It cannot be cut square: {error}") from error
    return target.getvalue()


def _middle(frame: av.VideoFrame, side: int) -> Pixels:
    pixels = frame.to_ndarray(format="rgb24")
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top : top + side, left : left + side].astype(np.uint8)
