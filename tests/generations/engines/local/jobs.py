"""Jobs as runs give them to the engines of this machine, and what came out of them."""

from __future__ import annotations

import io
import time

import numpy as np
from PIL import Image

from generations import catalog, options
from generations.engines import registry
from generations.engines.base import InputPicture, Job, Result, finished
from generations.media.reading import read_picture
from tests.generations.engines.local import drawn_products
from tests.generations.sample_pictures import encoded


def given(picture: np.ndarray) -> InputPicture:
    """A picture as it lies in storage after its upload."""
    read = read_picture(encoded(Image.fromarray(picture), "PNG"))
    return InputPicture(read.content, read.media_type)


def job(
    tool: str,
    *pictures: np.ndarray,
    mask: np.ndarray | None = None,
    reference: np.ndarray | None = None,
    resolution: str = "1K",
    seconds: int | None = None,
    prompt: str = "",
    left: float = 100,
    **chosen: object,
) -> Job:
    """The job of an order with these options; the others have their defaults."""
    cleaned = options.clean(catalog.TOOLS[tool].options, chosen)
    return Job(
        tool=tool,
        deadline=time.monotonic() + left,
        inputs=tuple(given(picture) for picture in pictures),
        mask=None if mask is None else given(mask),
        reference=None if reference is None else given(reference),
        options=cleaned,
        prompt=prompt,
        resolution="" if seconds else resolution,
        seconds=seconds,
        seed=int(cleaned.get("seed", 0)),
    )


def run(job: Job) -> Result:
    """The result of this machine's engine, whatever the operator has routed."""
    engine = registry.find("local", job.tool)
    assert engine is not None
    return finished(engine.run(job))


def pixels(result: Result) -> np.ndarray:
    """The one picture that came out."""
    [output] = result.outputs
    with Image.open(io.BytesIO(output.content)) as image:
        assert image.size == (output.width, output.height)
        return np.asarray(image)


def bottle(side: int = 400) -> np.ndarray:
    """A drawn bottle that was cut out before: no network has to find it."""
    return drawn_products.product("bottle", side, 3)


def photo(side: int = 400, seed: int = 1) -> np.ndarray:
    """A drawn product on a texture."""
    drawn = drawn_products.product("jar", side, seed)
    return drawn_products.laid(drawn, drawn_products.texture(side, seed))


def is_class(result: Result, resolution: str) -> bool:
    """Whether the picture has as many pixels as that class, to a tenth."""
    side = {"1K": 1024, "2K": 2048, "4K": 4096}[resolution]
    [output] = result.outputs
    assert output.width is not None
    assert output.height is not None
    return abs(output.width * output.height / side**2 - 1) < 0.1
