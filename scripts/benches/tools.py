"""Label, seconds and peak memory of every tool of this machine, and of fifty shadows: `scripts/bench tools`.

Each tool and size runs in a process of its own, one after the other, on a drawn product as large as
the class that is asked for (Image Enhance: half of it). At the end AI Shadowing works off photos of two
megapixels in two processes, as the product's workers do.

In the environment: `BENCH_PART=1/3` measures a third of the choices and leaves the rest to other calls (the
shadows come with the last part), `BENCH_TOOL=ai-shadowing` one tool alone, `BENCH_SHADOWS=4` fewer shadows
(0: none).
"""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import django
from PIL import Image, ImageDraw, ImageFilter

# Sentences of the engines are marked for translation when they are imported.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")
django.setup()

from generations import catalog, options  # noqa: E402 - see above
from generations.engines import registry  # noqa: E402
from generations.engines.base import InputPicture, Job, finished  # noqa: E402

CLASSES = ("1K", "2K", "4K")
SIDES = {"": 1024, "1K": 1024, "2K": 2048, "4K": 4096}
PROMPT = "Soft morning light"
SHADOWS = int(os.environ.get("BENCH_SHADOWS", "50"))
WORKERS = 2


def choices() -> Iterator[tuple[str, str]]:
    """Every tool with each of its resolutions or seconds; one without either stands for itself."""
    for slug in registry.LOCAL:
        tool = catalog.TOOLS[slug]
        if tool.output not in ("image", "video"):
            continue
        for variant in tool.variants:
            yield slug, variant.resolution or str(variant.seconds or "")
        for resolution in tool.takes_size:
            yield slug, resolution


def drawn_photo(side: int) -> Image.Image:
    """A red pot on a soft table, as large as the class that is asked for."""
    photo = Image.effect_noise((side // 8, side // 8), 60).convert("RGB").resize((side, side))
    pen = ImageDraw.Draw(photo)
    pen.rounded_rectangle(
        (side * 0.3, side * 0.25, side * 0.7, side * 0.8), side * 0.05, fill=(180, 40, 50)
    )
    return photo.filter(ImageFilter.GaussianBlur(side / 1000))


def encoded(picture: Image.Image) -> bytes:
    """As a PNG, as uploads of this size are stored."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def job_of(slug: str, choice: str) -> Job:
    """One run of the tool on a drawn photo."""
    tool = catalog.TOOLS[slug]
    side = SIDES.get(choice, 2048)
    if slug == "image-enhance" and choice in CLASSES:
        side //= 2
    photo = drawn_photo(side)
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).ellipse((side * 0.4, side * 0.4, side * 0.5, side * 0.5), fill=255)
    given = InputPicture(encoded(photo), "image/png")
    return Job(
        tool=slug,
        deadline=time.monotonic() + 600,
        inputs=(given,) if tool.sources.max else (),
        mask=InputPicture(encoded(mask), "image/png") if tool.sources.mask else None,
        reference=given if tool.sources.reference else None,
        options=options.clean(tool.options, {}),
        prompt="" if tool.takes_prompt == "no" else PROMPT,
        resolution=choice if choice in CLASSES else "",
        seconds=int(choice) if choice.isdigit() else None,
    )


def measure(slug: str, choice: str) -> None:
    """Run one tool once and print its line."""
    job, engine = job_of(slug, choice), registry.LOCAL[slug]
    wall, processor = time.monotonic(), time.process_time()
    [output] = finished(engine.run(job)).outputs
    wall, processor = time.monotonic() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{catalog.TOOLS[slug].name:22} {engine.label(slug):8} {choice:3} "
        f"{processor:7.1f} {wall:7.1f} {peak:6} {output.width} x {output.height}",
        flush=True,
    )


def shadow(number: int) -> int:
    """Set one photo of two megapixels on a shadow; returns the process's peak in megabytes."""
    photo = Image.effect_noise((1600, 1250), 6).convert("RGB")
    side = 400 + 4 * number
    ImageDraw.Draw(photo).ellipse((400, 200, 400 + side, 200 + side), fill=(160, 60, 40))
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=90)
    tool = catalog.TOOLS["ai-shadowing"]
    job = Job(
        tool=tool.slug,
        deadline=time.monotonic() + 600,
        inputs=(InputPicture(stream.getvalue(), "image/jpeg"),),
        options=options.clean(tool.options, {}),
        resolution="2K",
    )
    finished(registry.LOCAL[tool.slug].run(job))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure_shadows(count: int) -> None:
    """Work off so many shadows in two processes and print how long that took."""
    begun = time.monotonic()
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        peak = max(pool.map(shadow, range(count), chunksize=1))
    took = time.monotonic() - begun
    print(
        f"{count} shadows of 2 megapixels: {took:.1f} s in {WORKERS} processes, {peak} MB each",
        flush=True,
    )


def main() -> None:
    """One line a tool and choice, or the one that the arguments name."""
    if len(sys.argv) > 1:
        measure(sys.argv[1], sys.argv[2])
        return
    part, parts = (int(number) for number in os.environ.get("BENCH_PART", "1/1").split("/"))
    only = os.environ.get("BENCH_TOOL", "")
    print(f"{'Tool':22} {'Label':8} {'':3} {'CPU s':>7} {'wall s':>7} {'MB':>6} Output", flush=True)
    for slug, choice in [pair for pair in choices() if only in ("", pair[0])][part - 1 :: parts]:
        command = [sys.executable, "-m", "scripts.benches.tools", slug, choice]
        subprocess.run(command, check=True)
    if SHADOWS and part == parts and only in ("", "ai-shadowing"):
        measure_shadows(SHADOWS)


if __name__ == "__main__":
    main()
