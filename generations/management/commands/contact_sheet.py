"""`manage.py contact_sheet FOLDER`: every tool on six photos, as merchants run it, to be looked at."""

from __future__ import annotations

import html
import io
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError
from PIL import Image, ImageDraw

from credits import ledger
from credits.refusals import Refusal
from generations import catalog
from generations.media import storage
from generations.models import Generation, Picture
from generations.runs import request, worker
from generations.runs.orders import Order, Requester

MOST_PHOTOS = 6
CREDITS = 20_000
PROMPT = "Soft morning light in a green garden"
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
_WAIT_SECONDS = 600.0


@dataclass(frozen=True)
class Shown:
    """One field of the sheet: what was made of a photo, or the sentence why not."""

    tool: str
    photo: str
    caption: str
    preview: str = ""
    master: str = ""


class Command(BaseCommand):
    """Development only: each photo has an account of its own, opened with credits for its runs."""

    help = "Runs every tool on six photos through the way that merchants' runs take."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where pictures and index.html go")
        parser.add_argument("--tool", action="append", choices=_tools(), help="only these tools")
        parser.add_argument("--photos", type=Path, help="default: the demo store's photos")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("This command opens accounts with credits: development only.")
        source: Path = options["photos"] or Path(settings.DATA_DIR) / "demo_photos"
        photos = sorted(path for path in source.glob("*") if path.suffix.lower() in SUFFIXES)
        if not photos:
            raise CommandError(f"There are no photos in {source}.")
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        tools = options["tool"] or _tools()
        fields = []
        for photo in photos[:MOST_PHOTOS]:
            for shown in _worked(folder, photo, tools):
                self.stdout.write(f"{shown.tool:22} {shown.photo:24} {shown.caption}")
                fields.append(shown)
        (folder / "index.html").write_text(_page(tools, fields))
        self.stdout.write(f"{folder / 'index.html'}")


def _tools() -> list[str]:
    return [slug for slug, tool in catalog.TOOLS.items() if tool.output in ("image", "video")]


def _worked(folder: Path, photo: Path, tools: list[str]) -> Iterator[Shown]:
    account = ledger.open_account(f"Contact sheet: {photo.name}", trial=False)
    ledger.add_package(account.pk, CREDITS, "contact-sheet")
    requester = Requester(account.pk, None, "api")
    for slug in tools:
        try:
            run, _new = request.place(requester, _order(slug, photo), uuid.uuid4().hex)
        except Refusal as refusal:
            yield Shown(slug, photo.name, f"Refused: {refusal}")
            continue
        worker.run(str(run.pk))
        yield _shown(folder, photo, _finished(run))


def _finished(run: Generation) -> Generation:
    """The run once it has ended: a worker of the product may have taken it first."""
    until = time.monotonic() + _WAIT_SECONDS
    run.refresh_from_db()
    while not run.is_final and time.monotonic() < until:
        time.sleep(1)
        run.refresh_from_db()
    return run


def _order(slug: str, photo: Path) -> Order:
    tool = catalog.TOOLS[slug]
    variant = tool.variants[0]
    content = photo.read_bytes()
    return Order(
        tool=slug,
        resolution=variant.resolution or "",
        seconds=variant.seconds,
        prompt=PROMPT if tool.takes_prompt == "required" else "",
        uploads=(io.BytesIO(content),) if tool.sources.max else (),
        mask=io.BytesIO(_mask(content)) if tool.sources.mask else None,
        reference=io.BytesIO(content) if tool.sources.reference else None,
    )


def _mask(content: bytes) -> bytes:
    """A spot right of the middle, as a merchant marks a thing."""
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
    mask, stream = Image.new("L", (width, height)), io.BytesIO()
    box = (0.6 * width, 0.15 * height, 0.78 * width, 0.4 * height)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    mask.save(stream, "PNG")
    return stream.getvalue()


def _shown(folder: Path, photo: Path, run: Generation) -> Shown:
    output = run.pictures.filter(role=Picture.Role.OUTPUT).first()
    if output is None:
        return Shown(run.tool, photo.name, f"{run.state}: {run.error}")
    master = f"{run.tool}-{photo.stem}{storage.SUFFIXES[output.media_type]}"
    (folder / master).write_bytes(storage.read(output))
    preview = f"{run.tool}-{photo.stem}-preview.webp"
    with default_storage.open(output.preview) as file:
        (folder / preview).write_bytes(file.read())
    caption = f"{run.label}, {run.model}, {run.price} credits, {output.width} × {output.height}"
    return Shown(run.tool, photo.name, caption, preview, master)


def _page(tools: list[str], fields: list[Shown]) -> str:
    rows = "".join(
        f"<h2>{html.escape(catalog.TOOLS[slug].name)}</h2><div>"
        + "".join(_figure(shown) for shown in fields if shown.tool == slug)
        + "</div>"
        for slug in tools
    )
    style = (
        "body{font:14px sans-serif;margin:24px}div{display:flex;flex-wrap:wrap;gap:16px}"
        "figure{margin:0;width:300px}img{width:300px;background:#d8589a}"
    )
    return f"<!doctype html><meta charset=utf-8><title>Contact sheet</title><style>{style}</style>{rows}"


def _figure(shown: Shown) -> str:
    picture = ""
    if shown.preview:
        picture = f'<a href="{html.escape(shown.master)}"><img src="{html.escape(shown.preview)}" alt=""></a>'
    caption = html.escape(f"{shown.photo}: {shown.caption}")
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"
