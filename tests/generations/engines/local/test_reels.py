"""Reels: the right codec, size, frames and seconds, from the merchant's own photo."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from PIL import Image

from generations import tool_options
from generations.engines.local import reels
from generations.engines.local.pixels import metadata
from tests.generations.engines.local import jobs


def probe(content: bytes) -> tuple[str, str, int, int, int, float]:
    """Codec, pixel format, width, height, frames and seconds of an MP4 file."""
    with av.open(io.BytesIO(content)) as container:
        [video] = container.streams.video
        frames = len(list(container.decode(video)))
        assert container.duration is not None
        return (
            video.codec_context.name, video.codec_context.pix_fmt or "", video.width,
            video.height, frames, round(container.duration / 1_000_000, 2),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "size", "move"),
    [
        ("9:16", (720, 1280), "push-in"),
        ("16:9", (1280, 720), "pan"),
        ("1:1", (1080, 1080), "rise"),
    ],
)
def test_a_reel_is_h264_of_the_asked_shape(frame, size, move):
    result = jobs.run(jobs.job("product-reels", jobs.photo(500), seconds=4, frame=frame, move=move))

    [output] = result.outputs
    assert (output.kind, output.media_type, output.seconds) == ("video", "video/mp4", 4.0)
    assert probe(output.content) == ("h264", "yuv420p", *size, 96, 4.0)
    assert (output.width, output.height) == size
    assert output.content.find(b"moov") < output.content.find(b"mdat"), "plays while it loads"
    with Image.open(io.BytesIO(output.poster)) as poster:
        assert poster.size == size
    assert metadata.said_source(output.content) == "compositeSynthetic"


def test_eight_seconds_are_eight_seconds():
    result = jobs.run(jobs.job("model-reels", jobs.photo(400), seconds=8, frame="16:9"))

    assert probe(result.outputs[0].content)[4:] == (192, 8.0)


def test_with_a_prompt_the_product_stands_in_a_set_and_the_run_names_it():
    result = jobs.run(
        jobs.job("product-reels", jobs.bottle(), seconds=4, prompt="golden christmas lights")
    )

    assert result.model == "Camera move, drawn set: Golden lights"


def test_something_moves():
    [output] = jobs.run(jobs.job("product-reels", jobs.photo(500), seconds=4)).outputs

    with av.open(io.BytesIO(output.content)) as container:
        shown = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert np.abs(shown[0].astype(int) - shown[-1]).mean() > 2


def test_a_photo_of_another_shape_goes_over_into_what_lies_beside_it():
    square = np.full((600, 600, 3), 200, np.uint8)
    square[200:400, 200:400] = (180, 30, 40)

    [output] = jobs.run(jobs.job("model-reels", square, seconds=4, frame="9:16")).outputs

    with av.open(io.BytesIO(output.content)) as container:
        shown = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    for frame in (shown[0], shown[len(shown) // 2], shown[-1]):
        # Left of the thing lies the ground alone, which has no line where the photo ends.
        ground = frame[:, :120].mean(axis=1)
        assert np.abs(np.diff(ground)).max() < 4
        # The thing is seen once, and is all there.
        seen = frame[:, frame.shape[1] // 2] < 110
        assert np.count_nonzero(np.diff(seen.astype(int)) == 1) == 1
        assert 200 < np.count_nonzero(seen) < 300


def test_the_same_job_gives_the_same_bytes():
    job = jobs.job("product-reels", jobs.bottle(), seconds=4, seed=3, frame="1:1")

    assert jobs.run(job).outputs == jobs.run(job).outputs


def test_every_shape_and_move_that_the_form_offers_can_be_made():
    assert {choice.value for choice in tool_options.FRAME.choices} == set(reels.SIZES)
    assert {choice.value for choice in tool_options.MOVE.choices} == set(reels.MOVES)
