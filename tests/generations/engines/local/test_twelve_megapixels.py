"""A phone's photo of twelve megapixels goes through each engine within a worker's memory.

Background Removal has its own test; tools that share an engine stand for one another.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from PIL import Image

from tests.generations.engines.local import jobs
from tests.memory import peak_of

pytestmark = pytest.mark.timeout(400)
WORK = """
import io, time
from PIL import Image
from generations import catalog, options
from generations.engines import registry
from generations.engines.base import InputPicture, Job, finished
slug, resolution, photo, mask = sys.argv[1:]
tool = catalog.TOOLS[slug]
picture = InputPicture(open(photo, "rb").read(), "image/jpeg")
job = Job(
    tool=slug,
    deadline=time.monotonic() + 350,
    inputs=(picture,),
    mask=InputPicture(open(mask, "rb").read(), "image/png") if tool.sources.mask else None,
    reference=picture if tool.sources.reference else None,
    options=options.clean(tool.options, {}),
    prompt="Soft light" if tool.takes_prompt == "required" else "",
    resolution=resolution,
    seconds=None if resolution else 4,
)
[output] = finished(registry.LOCAL[slug].run(job)).outputs
print(output.width, output.height)
"""


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = Image.fromarray(cv2.resize(jobs.photo(800), (800, 600)))
    path = tmp_path_factory.mktemp("phone") / "photo.jpg"
    small.resize((4000, 3000), Image.Resampling.BICUBIC).save(path, quality=90)
    mask = Image.new("L", (4000, 3000))
    mask.paste(255, (3200, 300, 3700, 700))
    mask.save(path.with_suffix(".png"))
    return path


@pytest.mark.parametrize(
    ("tool", "resolution", "megapixels"),
    [
        ("object-removal", "4K", 16.8),
        ("image-enhance", "2K", 4.2),
        ("ai-shadowing", "4K", 16.8),
        ("ai-backgrounds", "4K", 16.8),
        ("style-cloning", "4K", 16.8),
        ("model-reels", "", 0.9),
        ("nano-banana-i2i", "4K", 16.8),
    ],
)
def test_it_comes_out_in_the_asked_class_within_a_workers_memory(
    photo: Path, tool: str, resolution: str, megapixels: float
) -> None:
    _, peak, size = peak_of(WORK, tool, resolution, str(photo), str(photo.with_suffix(".png")))

    width, height = map(int, size.split())
    assert width * height / 1e6 == pytest.approx(megapixels, rel=0.1)
    assert peak < 1_500_000_000
