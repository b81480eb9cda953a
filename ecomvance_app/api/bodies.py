"""Request bodies that come as JSON or, with pictures, as multipart/form-data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from pydantic import BaseModel

from ecomvance_app.api import errors
from generations.media.reading import MAX_BYTES

Body = TypeVar("Body", bound=BaseModel)

JSON = "application/json"
MULTIPART = "multipart/form-data"
_FIELDS_BYTES = 1024 * 1024


def is_multipart(request: HttpRequest) -> bool:
    """Whether the body is multipart; UnsupportedContent when it is neither that nor JSON."""
    if request.content_type not in (JSON, MULTIPART):
        raise errors.UnsupportedContent
    return request.content_type == MULTIPART


def read_json(request: HttpRequest, model: type[Body]) -> Body:
    """The JSON body as `model`; pydantic.ValidationError otherwise."""
    return model.model_validate_json(request.body)


def read_optional_json(request: HttpRequest, model: type[Body]) -> Body:
    """The JSON body as `model`; without a body what `model` is by itself.

    UnsupportedContent for a body of another type, pydantic.ValidationError for one that does not fit.
    """
    if not request.body:
        return model()
    if request.content_type != JSON:
        raise errors.UnsupportedContent
    return model.model_validate_json(request.body)


def read_multipart(
    request: HttpRequest,
    model: type[Body],
    most_images: int,
    more_files: Sequence[str] = (),
) -> tuple[Body, Mapping[str, Sequence[UploadedFile[bytes]]]]:
    """The fields of a multipart body as `model`, and its files by name.

    These are `image`, which may be repeated, and one each of `more_files`.

    Raises RequestDataTooBig before anything is parsed, a validation error for fields that do not fit and
    for too many or other files.
    """
    most_files = most_images + len(more_files)
    if int(request.META.get("CONTENT_LENGTH") or 0) > most_files * MAX_BYTES + _FIELDS_BYTES:
        raise RequestDataTooBig
    fields = {name: _typed(name, request.POST.getlist(name)) for name in request.POST}
    most = {"image": most_images} | dict.fromkeys(more_files, 1)
    files: dict[str, Sequence[UploadedFile[bytes]]] = {}
    for name in request.FILES:
        files[name] = request.FILES.getlist(name)
        if name not in most:
            raise errors.invalid(name, f"Files are sent as {', '.join(most)}")
        if len(files[name]) > most[name]:
            raise errors.invalid(name, f"At most {most[name]} pictures, not {len(files[name])}")
    return model.model_validate(fields), files


_LISTS = ("product_ids", "photo_ids")
_NUMBERS = ("seconds", "max_credits")


def _typed(name: str, values: Sequence[object]) -> object:
    """Form fields are texts; what is a number, a list or JSON among ours becomes so if it can."""
    if name in _LISTS:
        return list(values)
    value = str(values[-1])
    if name in _NUMBERS and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if name == "options":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise errors.invalid(name, "Options are a JSON object") from None
    return value
