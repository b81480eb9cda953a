"""Pictures: one prompt and up to 14 pictures in, one picture out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.genai import types
from PIL import Image

from generations.engines.google import raster
from generations.engines.google.answers import candidate_of, check_finish, parts_of, usage_of
from generations.engines.google.client import Clients, request_options
from generations.engines.google.config import MAX_PICTURES, SIDES, GoogleSettings, ImageSize
from generations.engines.google.errors import GoogleFailure, unusable
from generations.engines.google.mapping import google_failures
from generations.engines.google.prompts import Prompt
from generations.engines.google.raster import Encoded


@dataclass(frozen=True)
class ImageRequest:
    """What is asked for. `pictures` and `mask` are clean bytes; the mask belongs to the first.

    `aspect` None keeps the ratio nearest to the first picture's. The mask is as large as its
    picture, white where the model may paint.
    """

    prompt: Prompt
    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None
    aspect: str | None = None
    size: ImageSize = "1K"
    seconds_left: float | None = None

    def check(self, aspects: tuple[str, ...]) -> None:
        """Raise ValueError for what the SDK would let through and Google refuses."""
        if len(self.pictures) + (self.mask is not None) > MAX_PICTURES:
            raise ValueError(f"At most {MAX_PICTURES} pictures go along, the mask counted.")
        if self.mask is not None and not self.pictures:
            raise ValueError("A mask needs its picture.")
        if self.size not in SIDES:
            raise ValueError(f"There is no size {self.size}.")
        if self.aspect is not None and self.aspect not in aspects:
            raise ValueError(f"The model has no ratio {self.aspect}.")


@dataclass(frozen=True)
class MadeImage:
    """The result. `provider_bytes` is Google's untouched picture where `picture` is a composite."""

    picture: Encoded
    model: str
    usage: dict[str, Any]
    provider_bytes: bytes | None = None


@dataclass(frozen=True)
class _Masked:
    original: Image.Image
    mask: Image.Image


def make_image(clients: Clients, request: ImageRequest) -> MadeImage:
    """Ask once and check what came back; a GoogleFailure for everything that is no picture."""
    settings = clients.settings
    request.check(settings.image_aspects)
    opened = [raster.open_rgb(content) for content in request.pictures]
    masked = _masked(request, opened)
    aspect = _aspect(request, opened, settings)
    contents = _contents(request, opened, masked, aspect)
    config = _config(request, settings, aspect)
    client = clients.content()
    with google_failures():
        response = client.models.generate_content(
            model=settings.image_model, contents=contents, config=config
        )
    answer = raster.read_answer(picture_of(response), request.size)
    model, usage = response.model_version or settings.image_model, usage_of(response)
    if masked is None:
        return MadeImage(answer, model, usage)
    result = raster.compose_back(masked.original, masked.mask, answer, aspect, request.size)
    return MadeImage(result, model, usage, answer.content)


def picture_of(response: types.GenerateContentResponse) -> bytes:
    """The last picture that is not a thought: thinking models send drafts first."""
    candidate = candidate_of(response)
    check_finish(candidate)
    parts = parts_of(candidate)
    for part in reversed(parts):
        if part.inline_data and part.inline_data.data:
            return part.inline_data.data
    said = "".join(part.text or "" for part in parts)
    if said:
        raise GoogleFailure("provider_error", "words_only", reason="STOP", detail=said)
    raise unusable("nothing_made", "STOP without parts.")


def _masked(request: ImageRequest, opened: list[Image.Image]) -> _Masked | None:
    if request.mask is None:
        return None
    return _Masked(opened[0], raster.open_mask(request.mask, opened[0].size))


def _aspect(request: ImageRequest, opened: list[Image.Image], settings: GoogleSettings) -> str:
    """The asked ratio; with a mask always the picture's own, or nothing could be put back."""
    if request.aspect is not None and request.mask is None:
        return request.aspect
    if not opened:
        return "1:1"
    return raster.nearest_aspect(opened[0].size, settings.image_aspects)


def _contents(
    request: ImageRequest, opened: list[Image.Image], masked: _Masked | None, aspect: str
) -> types.Content:
    encoded = [raster.as_reference(picture) for picture in opened]
    if masked is not None:
        padded = raster.pad_to(masked.original, aspect, raster.average_colour(masked.original))
        encoded[:1] = [
            raster.as_reference(padded),
            raster.as_mask(raster.pad_to(masked.mask, aspect, 0)),
        ]
    text = types.Part.from_text(text=request.prompt.text)
    return types.Content(role="user", parts=[*_inline(encoded), text])


def _inline(encoded: Iterable[Encoded]) -> list[types.Part]:
    return [
        types.Part.from_bytes(data=picture.content, mime_type=picture.media_type)
        for picture in encoded
    ]


def _config(
    request: ImageRequest, settings: GoogleSettings, aspect: str
) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction=request.prompt.system,
        response_modalities=["IMAGE"],
        # Only these two: with an API key the SDK refuses output_mime_type and person_generation.
        image_config=types.ImageConfig(aspect_ratio=aspect, image_size=request.size),
        safety_settings=safety_settings(settings),
        # On by default, and a loop of billed calls without an end.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=request_options(settings.image_seconds, request.seconds_left),
    )


def safety_settings(settings: GoogleSettings) -> list[types.SafetySetting] | None:
    """The operator's thresholds, or None for Google's own."""
    if not settings.safety:
        return None
    return [
        types.SafetySetting(
            category=types.HarmCategory(category), threshold=types.HarmBlockThreshold(threshold)
        )
        for category, threshold in settings.safety.items()
    ]
