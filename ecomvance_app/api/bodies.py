"""Request bodies that come as JSON or, with pictures, as multipart/form-data."""

from __future__ import annotations

from collections.abc import Sequence
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


def read_multipart(
    request: HttpRequest, model: type[Body], most_images: int
) -> tuple[Body, Sequence[UploadedFile[bytes]]]:
    """The fields of a multipart body as `model`, and its `image` files.

    Raises RequestDataTooBig before anything is parsed, a validation error for fields that do not fit and
    for too many or other files.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > most_images * MAX_BYTES + _FIELDS_BYTES:
        raise RequestDataTooBig
    fields = {name: _typed(name, value) for name, value in request.POST.items()}
    files = request.FILES.getlist("image")
    wrong = [name for name in request.FILES if name != "image"]
    if wrong:
        raise errors.invalid(wrong[0], "Files are sent as image")
    if len(files) > most_images:
        message = f"At most {most_images} pictures, not {len(files)}"
        raise errors.invalid("image", message)
    return model.model_validate(fields), files


def _typed(name: str, value: object) -> object:
    """Form fields are texts; the one number among ours becomes one if it is one."""
    return int(value) if name == "seconds" and value in ("4", "6", "8") else value
