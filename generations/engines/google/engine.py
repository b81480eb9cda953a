"""Google's models behind the seam of `base`: pictures at once, videos as work that is pending.

The SDK takes a second to load and is needed by workers alone, so what imports it is imported where
it is called. Source: decisions on engines; Google's documentation of its models.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from generations.engines.base import (
    ContentPolicyError,
    EngineError,
    EngineTimeoutError,
    Job,
    Label,
    Output,
    Pending,
    PlatformError,
    ProviderError,
    Result,
    ShortWork,
)
from generations.engines.google import prompts
from generations.engines.google.config import COMMON_ASPECTS, WIDE_ASPECTS, GoogleSettings
from generations.engines.google.errors import MESSAGES, GoogleFailure
from generations.engines.google.videos import clips, jobs
from generations.tool_options import PRODUCT_DATA

if TYPE_CHECKING:
    from generations.engines.google.client import Clients

logger = logging.getLogger(__name__)

# Said to merchants, stored in English with the run and translated for whoever reads it.
for _sentence in MESSAGES.values():
    gettext_noop(_sentence)

# These come as arguments of the call, in the product's data, or mean nothing to a model.
_NOT_TOLD = frozenset({"ratio", "frame", "seed", *(one.name for one in PRODUCT_DATA)})
_OUTAGE = frozenset({"unavailable", "unreachable", "timeout"})


def read_settings() -> GoogleSettings:
    """What the operator has set, as the vendor client takes it."""
    static_token = settings.GOOGLE_STATIC_TOKEN
    credentials = None
    if static_token:
        from google.oauth2.credentials import Credentials

        credentials = Credentials(token=static_token)  # type: ignore[no-untyped-call]
    return GoogleSettings(
        api_key=settings.GEMINI_API_KEY,
        base_url=settings.GOOGLE_GEMINI_BASE_URL,
        project=settings.GOOGLE_CLOUD_PROJECT,
        location=settings.GOOGLE_CLOUD_LOCATION,
        vertex_base_url=settings.GOOGLE_VERTEX_BASE_URL,
        credentials=credentials,
        **settings.GOOGLE_MODELS,
    )


def clients() -> Clients:
    """One set of clients per process for the settings of now."""
    return _clients(read_settings())


@functools.lru_cache(maxsize=2)
def _clients_of(key: str) -> Clients:
    from generations.engines.google.client import Clients

    return Clients(read_settings())


def _clients(found: GoogleSettings) -> Clients:
    # The key holds no secret in clear beyond this process; it only tells settings apart.
    return _clients_of(repr((found, found.api_key)))


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Turn the vendor's one exception into the seam's, by its outcome; details go to the log."""
    try:
        yield
    except GoogleFailure as failure:
        log = logger.error if failure.alarm else logger.warning
        log("Google: %s %s: %s", failure.code, failure.reason, failure.detail)
        raise _error_of(failure) from failure


def _error_of(failure: GoogleFailure) -> EngineError:
    message = str(failure)
    if failure.outcome == "content_policy":
        return ContentPolicyError(message)
    if failure.outcome == "timeout":
        return EngineTimeoutError(message)
    again = {"retry_helps": failure.retry_helps, "retry_after": failure.retry_after}
    if failure.outcome == "provider_error":
        return ProviderError(message, outage=failure.code in _OUTAGE, **again)  # type: ignore[arg-type]
    fault = f"{message} ({failure.reason or failure.code})" if failure.alarm else ""
    # What Google does not understand may be one order's fault; the rest is every order's.
    stops = failure.alarm and failure.code != "bad_request"
    return PlatformError(message, **again, fault=fault, stops_tool=stops)  # type: ignore[arg-type]


def prompt_of(job: Job, instead: Mapping[str, str] | None = None) -> prompts.Prompt:
    """What the model is told; `instead` are settings in words that a model understands better."""
    told = {
        name: value if isinstance(value, int | str) else str(value)
        for name, value in job.options.items()
        if name not in _NOT_TOLD
    } | dict(instead or {})
    words = prompts.Words(
        merchant=job.prompt,
        sources=len(job.inputs),
        mask=job.mask is not None,
        reference=job.reference is not None,
        settings=told,
        product_data=job.product_data,
    )
    return prompts.render(job.tool, words)


def seconds_left(job: Job) -> float:
    """What the run has left, in seconds."""
    return job.deadline - time.monotonic()


class Google:
    """What pictures, videos and texts have in common."""

    name = "google"

    def unavailable_reason(self, tool: str) -> str | None:
        """Without credentials nothing of Google's can be asked."""
        if settings.GEMINI_API_KEY or settings.GOOGLE_CLOUD_PROJECT:
            return None
        return _("This tool needs an AI service that is not connected yet.")

    def label(self, tool: str) -> Label:
        """A model does the whole job."""
        return "real"


class GooglePictures(ShortWork, Google):
    """One picture from a prompt and up to 14 pictures, by the Nano Banana model."""

    def model(self, tool: str) -> str:
        """The model's id, as the operator has set it."""
        return read_settings().image_model

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """As reported; measured ones take their place once there are some."""
        return {"4K": 60.0, "2K": 30.0}.get(resolution, 20.0)

    def run(self, job: Job) -> Result:
        """Ask the model once; an EngineError for whatever is no picture of the asked size."""
        from generations.engines.google.images import ImageRequest, make_image

        pictures = [picture.content for picture in job.inputs]
        if job.reference is not None:
            pictures.append(job.reference.content)
        request = ImageRequest(
            prompt=prompt_of(job),
            pictures=tuple(pictures),
            mask=job.mask.content if job.mask else None,
            aspect=_aspect(job),
            size=job.resolution or "1K",  # type: ignore[arg-type]  # Checked by the catalogue.
            seconds_left=seconds_left(job),
        )
        with engine_errors():
            made = make_image(clients(), request)
        picture = made.picture
        output = Output("image", picture.content, picture.media_type, picture.width, picture.height)
        return Result((output,), self.name, made.model, "real", usage=counted(made.usage))


class GoogleVideos(Google):
    """One clip, by Veo where Google Cloud is set up, else by Omni: named for what made it."""

    def is_long(self, tool: str) -> bool:
        """A video is made at Google's for minutes, and its creation is billed."""
        return True

    def model(self, tool: str) -> str:
        """The model's id, as the operator has set it."""
        found = read_settings()
        return found.veo_model if found.has_cloud else found.omni_model

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """As reported: a minute and a quarter, and more for longer clips."""
        return 60.0 + 8.0 * (seconds or 8)

    def run(self, job: Job) -> Pending:
        """Hand the job over once. What may have been accepted is never handed over again."""
        from generations.engines.google.videos import steps

        frame = str(job.options.get("frame", "9:16"))
        request = jobs.VideoRequest(
            prompt=prompt_of(job),
            first_frame=job.inputs[0].content if job.inputs else None,
            seconds=job.seconds or 8,
            # A square is cut out of the tall clip, in the middle.
            aspect=frame if frame in jobs.ASPECTS else "9:16",
            seconds_left=seconds_left(job),
        )
        found = clients()
        with engine_errors():
            try:
                handle = steps.create(found, request)
            except GoogleFailure as failure:
                failure.retry_helps = failure.retry_helps and not failure.maybe_accepted
                raise
        stored = json.dumps(handle.as_json() | {"frame": frame})
        return Pending(stored, timedelta(seconds=found.settings.poll_every))

    def poll(self, tool: str, handle: str) -> Result | Pending:
        """Ask once; a finished clip is fetched, checked and deleted at Google."""
        from generations.engines.google.videos import steps

        stored = json.loads(handle)
        job, found = jobs.Handle.from_json(stored), clients()
        with engine_errors():
            answer = steps.poll(found, job)
            if isinstance(answer, jobs.Pending):
                return Pending(handle, timedelta(seconds=answer.retry_after))
            file = io.BytesIO()
            fetched = steps.fetch(found, job, answer, file)
            content = file.getvalue()
            if stored.get("frame") == "1:1":
                content = clips.square(content)
            still = clips.poster(content)
        if not fetched.deleted:
            logger.warning("Google still holds a delivered video: %s", job.ref)
        side = min(fetched.clip.width, fetched.clip.height)
        is_square = stored.get("frame") == "1:1"
        output = Output(
            "video", content, "video/mp4",
            side if is_square else fetched.clip.width, side if is_square else fetched.clip.height,
            seconds=fetched.clip.seconds, poster=still,
        )  # fmt: skip
        # Google bills videos by the second and does not always count them.
        usage = counted(answer.usage) | {"video_seconds": round(fetched.clip.seconds)}
        return Result((output,), self.name, job.model, "real", usage=usage)

    def cancel(self, tool: str, handle: str) -> None:
        """Ask Google to stop and to delete what it holds; nothing is raised."""
        from generations.engines.google.videos import steps

        job, found = jobs.Handle.from_json(json.loads(handle)), clients()
        with contextlib.suppress(GoogleFailure):
            steps.cancel(found, job)
            steps.discard(found, job)


class GoogleChat(ShortWork, Google):
    """The assistant's model. It is asked on its own page and makes no runs."""

    def model(self, tool: str) -> str:
        """The model's id, as the operator has set it."""
        return read_settings().text_model

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """As reported, to the end of an answer."""
        return 5.0

    def run(self, job: Job) -> Result:
        """An answer is no run."""
        raise PlatformError(gettext_noop("Something went wrong on our side."))


def _aspect(job: Job) -> str | None:
    ratio = str(job.options.get("ratio", ""))
    return ratio if ratio in COMMON_ASPECTS + WIDE_ASPECTS else None


def counted(usage: dict[str, Any]) -> dict[str, int]:
    """The whole numbers of what Google reports; the lists behind them are left out."""
    return {name: value for name, value in usage.items() if type(value) is int}


PICTURE_TOOLS = (
    "object-removal", "product-placement", "ai-shadowing", "style-cloning", "ai-backgrounds",
    "product-try-on", "shoe-try-on", "model-try-on", "ai-fashion-models", "model-backgrounds",
    "nano-banana-i2i", "nano-banana-t2i",
)  # fmt: skip
VIDEO_TOOLS = ("product-reels", "model-reels", "veo-i2v", "veo-t2v")
