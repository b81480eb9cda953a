"""A look tried on one picture before anything is charged: small, marked, kept nowhere but five minutes
in the cache, ten a day for an account.

The web puts what is wanted into the cache, a worker with the engine makes it. What is lost with the
cache is asked for again.
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from PIL import Image

from credits import periods
from credits.models import Account
from ecomvance_app import clock, jobs
from generations import products
from generations.engines import routing
from generations.engines.base import EngineError, InputPicture, Job, finished
from generations.media import decoding, watermarks
from generations.media.reading import UploadedImage, read_picture
from generations.runs import quote
from generations.runs.orders import Order
from generations.runs.quote import RunRefused

logger = logging.getLogger(__name__)

MOST_A_DAY = 10
KEPT_SECONDS = 300
_DAY_SECONDS = 26 * 60 * 60
# Enough to judge a shadow by, at the least work for the engine.
_RESOLUTION = "1K"


@dataclass(frozen=True, slots=True)
class Preview:
    """`content` is WebP once it is ready; `message` says what went wrong."""

    state: Literal["waiting", "ready", "failed"]
    content: bytes = b""
    message: str = ""


def ask(account_id: int, order: Order, now: datetime | None = None) -> str:
    """Ask for a preview of the order's one picture; returns its name for `read`.

    Charges nothing. RunRefused for the eleventh of a day, and as a run of this order would be.
    """
    now = clock.now() if now is None else now
    terms = quote.check(order)
    if terms.engine != "local":
        raise RunRefused(_("There is no preview with this engine."), "no_preview")
    # Before the picture is decoded; a bad one counts as none of the day's, but it is work too.
    counter = _counter(account_id, now)
    if cache.get(counter, 0) >= MOST_A_DAY:
        raise _too_many()
    decoding.check_pace(account_id)
    with contextlib.closing(_picture(account_id, order)) as image:
        small = _small(image)
    _count(counter)
    name = uuid.uuid4().hex
    wanted = {"tool": order.tool, "options": terms.options, "prompt": order.text, "picture": small}
    cache.set(_place(account_id, name), {"wanted": wanted}, KEPT_SECONDS)
    jobs.enqueue("generations.preview", account_id=account_id, preview_id=name)
    return name


def read(account_id: int, name: str) -> Preview:
    """How a preview of this account stands; failed for one that is not there any more."""
    found = cache.get(_place(account_id, name))
    if found is None:
        return Preview("failed", message=_("This preview is gone. Ask for another."))
    if "picture" in found:
        return Preview("ready", found["picture"])
    if "error" in found:
        return Preview("failed", message=_(found["error"]))
    return Preview("waiting")


def make(account_id: int, name: str) -> None:
    """Make a preview that was asked for; one that is made, or has gone, is left alone."""
    place = _place(account_id, name)
    found = cache.get(place)
    if found is None or "wanted" not in found:
        return
    try:
        made: dict[str, Any] = {"picture": watermarks.marked(_run(found["wanted"]))}
    except EngineError as error:
        made = {"error": str(error)}
    except Exception:
        logger.exception("A preview broke")
        made = {"error": gettext_noop("Something went wrong on our side.")}
    cache.set(place, made, KEPT_SECONDS)


def _run(wanted: dict[str, Any]) -> bytes:
    deadline = time.monotonic() + routing.deadline_seconds(wanted["tool"], "local")
    job = Job(
        tool=wanted["tool"],
        deadline=deadline,
        inputs=(InputPicture(wanted["picture"], "image/png"),),
        options=wanted["options"],
        prompt=wanted["prompt"],
        resolution=_RESOLUTION,
        seed=int(wanted["options"].get("seed", 0)),
    )
    result = finished(routing.get_engine(wanted["tool"], "local").run(job))
    return result.outputs[0].content


def _picture(account_id: int, order: Order) -> UploadedImage:
    for upload in order.uploads:
        return upload if isinstance(upload, UploadedImage) else read_picture(upload, account_id)
    source = order.sources[0]
    _product, content = products.read_photo(account_id, source.product_id, source.photo_id)
    return read_picture(content, account_id)


def _small(image: UploadedImage) -> bytes:
    """At most 512 pixels a side, as PNG, which keeps what is transparent.

    Made of the copy that is small already: the whole picture has no place in this process's memory.
    """
    with image.lock, Image.open(image.preview) as opened:
        small = opened.convert("RGBA" if image.has_alpha else "RGB")
    small.thumbnail((watermarks.SIDE, watermarks.SIDE), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    small.save(made, "PNG")
    return made.getvalue()


def _count(counter: str) -> None:
    cache.add(counter, 0, _DAY_SECONDS)
    if cache.incr(counter) > MOST_A_DAY:
        raise _too_many()


def _counter(account_id: int, now: datetime) -> str:
    """Where the account's previews of this day are counted."""
    zone = Account.objects.values_list("time_zone", flat=True).get(pk=account_id)
    return f"previews:{account_id}:{periods.local_day(now, zone)}"


def _too_many() -> RunRefused:
    sentence = _("There are %(most)d previews a day. Tomorrow there are new ones.")
    return RunRefused(sentence % {"most": MOST_A_DAY}, "too_many_previews")


def _place(account_id: int, name: str) -> str:
    return f"preview:{account_id}:{name}"
