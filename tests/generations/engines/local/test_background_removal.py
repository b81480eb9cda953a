"""Background removal on this machine: real pixels in, a real cut-out out."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from generations.engines import registry
from generations.engines.base import (
    EngineTimeoutError,
    InputPicture,
    Job,
    PlatformError,
    Result,
    finished,
)
from generations.engines.local import weights
from generations.engines.local.background_removal import (
    BackgroundRemoval,
    BadStrokesError,
    brushed,
)
from generations.engines.routing import get_engine, unavailable_reason
from generations.media.reading import read_picture
from tests.generations.engines.local import drawn_products
from tests.generations.sample_pictures import (
    encoded,
    product_on_table,
    product_outline,
    see_through,
)
from tests.memory import peak_of
from tests.photographs import photographs

__all__ = ["photographs"]

TOOL = "background-removal"


def job_for(content: bytes, seconds: float = 60) -> Job:
    """The job of an upload, through the same door as in the product."""
    picture = read_picture(content)
    return Job(
        tool=TOOL,
        deadline=time.monotonic() + seconds,
        inputs=(InputPicture(picture.content, picture.media_type),),
    )


def removed(content: bytes) -> Result:
    return finished(get_engine(TOOL, "local").run(job_for(content)))


def pixels(result: Result) -> np.ndarray:
    with Image.open(io.BytesIO(result.outputs[0].content)) as image:
        assert image.mode == "RGBA"
        return np.asarray(image)


def overlap(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of what is more than half opaque."""
    found = alpha > 127
    return float((found & truth).sum() / (found | truth).sum())


def true_outline(width: int, height: int) -> np.ndarray:
    mask = Image.new("1", (width, height))
    for box, _ in product_outline(width, height):
        ImageDraw.Draw(mask).ellipse(box, fill=1)
    return np.asarray(mask)


class TestCutOut:
    def test_the_product_stays_and_the_ground_goes(self):
        photo = product_on_table()

        result = removed(encoded(photo, "PNG"))

        rgba = pixels(result)
        alpha, truth = rgba[..., 3], true_outline(*photo.size)
        assert (
            (result.outputs[0].width, result.outputs[0].height)
            == photo.size
            == (rgba.shape[1], rgba.shape[0])
        )
        assert overlap(alpha, truth) > 0.97
        assert (alpha[:40] == 0).all()
        assert (alpha == 255).sum() > 0.95 * truth.sum(), "no grey veil over the product"
        assert ((alpha > 0) & (alpha < 255)).mean() < 0.03
        assert (rgba[alpha == 0][:40] == 0).all()

    def test_the_products_own_pixels_are_not_changed(self):
        photo = product_on_table()

        rgba = pixels(removed(encoded(photo, "PNG")))

        window = (slice(330, 420), slice(400, 500))
        assert (rgba[window][..., :3] == np.asarray(photo)[window]).all()

    def test_edges_lose_the_colour_of_the_ground(self):
        photo = np.asarray(product_on_table()).copy()
        outline = Image.fromarray((true_outline(900, 700) * 255).astype(np.uint8))
        blurred = outline.filter(ImageFilter.GaussianBlur(4))
        share = np.asarray(blurred, dtype=float)[..., None] / 255
        green = np.array([60.0, 220.0, 70.0])
        photo = (photo * share + green * (1 - share)).astype(np.uint8)

        rgba = pixels(removed(encoded(Image.fromarray(photo), "PNG")))

        edge = (rgba[..., 3] > 20) & (rgba[..., 3] < 235)
        red, green_left = rgba[edge][:, 0].astype(int), rgba[edge][:, 1].astype(int)
        assert edge.sum() > 500
        assert (green_left > red).mean() < 0.05

    def test_a_coffee_cup_is_cut_out_with_its_saucer(self, photographs):
        result = removed((photographs / "coffee.png").read_bytes())

        alpha = pixels(result)[..., 3]
        assert alpha.shape == (400, 600)
        assert 0.4 < (alpha > 127).mean() < 0.5
        cup, saucer, spoon = alpha[100, 300], alpha[250, 110], alpha[290, 365]
        assert (cup, saucer, spoon) == (255, 255, 255)
        table = [alpha[30, 30], alpha[300, 550], alpha[380, 30], alpha[40, 560]]
        assert table == [0, 0, 0, 0]

    @pytest.mark.parametrize("name", ["chelsea.png", "motorcycle_left.png", "rocket.jpg"])
    def test_other_photographs_give_a_mostly_decided_cut_out(self, photographs, name):
        alpha = pixels(removed((photographs / name).read_bytes()))[..., 3]

        assert (alpha == 0).mean() > 0.15
        assert (alpha == 255).mean() > 0.015
        assert ((alpha > 25) & (alpha < 230)).mean() < 0.08

    def test_a_heic_comes_out_at_its_own_size(self):
        photo = product_on_table(1024, 768)

        result = removed(encoded(photo, "HEIC"))

        assert (result.outputs[0].width, result.outputs[0].height) == (1024, 768)
        assert overlap(pixels(result)[..., 3], true_outline(1024, 768)) > 0.97

    def test_the_same_picture_gives_the_same_bytes_also_from_two_threads(self):
        job = job_for(encoded(product_on_table(), "JPEG"))
        engine = get_engine(TOOL, "local")

        with ThreadPoolExecutor(2) as threads:
            results = list(threads.map(engine.run, [job] * 3))

        assert len({result.outputs[0].content for result in results}) == 1


class TestDrawnProducts:
    def test_outlines_on_textures_are_found_nearly_to_the_pixel(self):
        scores = []
        for number, shape in enumerate(drawn_products.SHAPES[:5]):
            drawn = drawn_products.product(shape, 480, number)
            photo = drawn_products.laid(drawn, drawn_products.texture(480, number))
            alpha = pixels(removed(encoded(Image.fromarray(photo), "PNG")))[..., 3] / 255.0
            true = drawn[..., 3] / 255.0
            scores.append(np.minimum(true, alpha).sum() / np.maximum(true, alpha).sum())

        assert float(np.median(scores)) >= 0.97, scores
        assert min(scores) >= 0.88, scores


class TestBrush:
    @staticmethod
    def both() -> tuple[InputPicture, InputPicture]:
        photo = product_on_table()
        cut_out = photo.copy()
        cut_out.putalpha(Image.fromarray(true_outline(*photo.size)).convert("L"))
        made = np.asarray(cut_out).copy()
        made[made[..., 3] == 0] = 0
        master = encoded(Image.fromarray(made), "PNG")
        return InputPicture(master, "image/png"), InputPicture(encoded(photo, "PNG"), "image/png")

    def test_erase_takes_away_and_keep_brings_the_photo_back(self):
        cut_out, photo = self.both()
        strokes = [
            {"mode": "erase", "radius": 0.05, "points": [[0.5, 0.5]]},
            {"mode": "keep", "radius": 0.05, "points": [[0.05, 0.05], [0.1, 0.05]]},
        ]

        made = brushed(cut_out, photo, strokes)

        with Image.open(io.BytesIO(made)) as image:
            after = np.asarray(image)
        assert after.shape == (700, 900, 4)
        assert after[350, 450, 3] == 0
        assert after[35, 60, 3] == 255
        assert (after[35, 60, :3] == np.asarray(product_on_table())[35, 60]).all()

    def test_undoing_every_stroke_is_the_master(self):
        cut_out, photo = self.both()

        with Image.open(io.BytesIO(brushed(cut_out, photo, []))) as image:
            after = np.asarray(image)
        with Image.open(io.BytesIO(cut_out.content)) as image:
            assert (np.asarray(image) == after).all()

    @pytest.mark.parametrize(
        "strokes",
        [
            "erase",
            [{"mode": "paint", "radius": 0.1, "points": [[0, 0]]}],
            [{"mode": "keep", "radius": 0.9, "points": [[0, 0]]}],
            [{"mode": "keep", "radius": float("nan"), "points": [[0, 0]]}],
            [{"mode": "keep", "radius": 0.1, "points": [[0, 9]]}],
            [{"mode": "keep", "radius": 0.1, "points": []}],
            [{"mode": "keep", "radius": 0.1, "points": [[0]]}],
        ],
    )
    def test_what_is_no_stroke_is_refused(self, strokes):
        cut_out, photo = self.both()

        with pytest.raises(BadStrokesError):
            brushed(cut_out, photo, strokes)


class TestExistingTransparency:
    def test_nothing_transparent_becomes_opaque(self):
        before = np.asarray(see_through().getchannel("A"))

        alpha = pixels(removed(encoded(see_through(), "PNG")))[..., 3]

        assert (alpha <= before).all()
        assert alpha[200, 200] == 255
        assert (alpha[before == 255] == 255).mean() > 0.97

    def test_a_white_product_on_nothing_does_not_vanish(self):
        white = Image.new("RGB", (500, 500), (248, 248, 246))
        shape = Image.new("L", (500, 500))
        ImageDraw.Draw(shape).rounded_rectangle((130, 60, 370, 440), 60, fill=255)
        white.putalpha(shape)

        alpha = pixels(removed(encoded(white, "PNG")))[..., 3]

        assert overlap(alpha, np.asarray(shape) > 127) > 0.95


class TestResult:
    def test_every_output_says_what_made_it(self):
        result = removed(encoded(product_on_table(), "PNG"))

        assert (result.engine, result.model, result.label) == ("local", "U2-Net-p", "real")
        assert result.outputs[0].media_type == "image/png"
        with Image.open(io.BytesIO(result.outputs[0].content)) as image:
            image.load()
            assert image.info["Software"] == "ecomVance local engine, U2-Net-p"
            assert "algorithmicallyEnhanced" in image.info["XML:com.adobe.xmp"]
            assert (
                'CreatorTool="ecomVance local engine, U2-Net-p"' in image.info["XML:com.adobe.xmp"]
            )

    def test_twelve_megapixels_stay_under_a_gigabyte(self, tmp_path):
        photo = tmp_path / "photo.jpg"
        product_on_table(4243, 2829).save(photo, quality=90)
        work = (
            "import io\n"
            "import time\n"
            "from PIL import Image\n"
            "from generations.engines.base import InputPicture, Job\n"
            "from generations.engines.routing import get_engine\n"
            "picture = InputPicture(open(sys.argv[1], 'rb').read(), 'image/jpeg')\n"
            "deadline = time.monotonic() + 60\n"
            "job = Job('background-removal', deadline, (picture,))\n"
            "result = get_engine('background-removal', 'local').run(job)\n"
            "print(*Image.open(io.BytesIO(result.outputs[0].content)).size)\n"
        )

        _, peak, size = peak_of(work, str(photo))

        assert size == "4243 2829"
        assert peak < 1_000_000_000


class TestFailures:
    def test_a_picture_of_nothing(self):
        with pytest.raises(PlatformError, match="found no product") as caught:
            removed(encoded(Image.new("RGB", (600, 600), (240, 240, 240)), "JPEG"))

        assert caught.value.outcome == "platform_error"
        assert not caught.value.retry_helps

    def test_a_deadline_that_has_passed(self):
        job = job_for(encoded(product_on_table(), "JPEG"), seconds=-1)

        with pytest.raises(EngineTimeoutError) as caught:
            get_engine(TOOL, "local").run(job)

        assert caught.value.outcome == "timeout"

    def test_a_stored_picture_that_was_damaged(self):
        whole = job_for(encoded(product_on_table(), "JPEG"))
        cut_off = InputPicture(whole.inputs[0].content[:2000], "image/jpeg")

        with pytest.raises(PlatformError, match="could not be read"):
            get_engine(TOOL, "local").run(Job(TOOL, whole.deadline, (cut_off,)))

    @pytest.mark.django_db
    def test_missing_weights_switch_the_tool_off(self, monkeypatch, caplog):
        assert unavailable_reason(TOOL) is None
        lost = weights.Weights("lost.onnx", "")
        monkeypatch.setattr(BackgroundRemoval, "weights", (lost,))

        reason = unavailable_reason(TOOL)

        assert reason is not None
        assert "switched off" in reason
        assert "lost.onnx" not in reason
        assert "lost.onnx" in caplog.text
        with pytest.raises(PlatformError, match="switched off"):
            get_engine(TOOL, "local")

    @pytest.mark.django_db
    def test_a_tool_without_an_engine_cannot_be_started(self, monkeypatch):
        monkeypatch.setattr(registry, "GOOGLE", {})
        monkeypatch.setattr(registry, "LOCAL", {})
        assert unavailable_reason("veo-t2v") == ("This tool comes later.")
        with pytest.raises(PlatformError, match="comes later"):
            get_engine("veo-t2v")
