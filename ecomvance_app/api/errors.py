"""Every refusal and every error as JSON: `{"error": code, "message": sentence, …}`."""

from __future__ import annotations

import logging
from typing import Any

import pydantic
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, Throttled, ValidationError

from credits.refusals import Refusal
from ecomvance_app import http

logger = logging.getLogger(__name__)


class UnsupportedContent(Refusal):
    """The body is of a type that the route does not take."""

    def __init__(self) -> None:
        sentence = _("Send application/json or multipart/form-data.")
        super().__init__(sentence, "unsupported_media_type", status=415)


def invalid(field: str, message: str) -> ValidationError:
    """What is wrong with one parameter or part of a request that the types cannot say."""
    return ValidationError([{"loc": (field,), "type": "value_error", "msg": message}])


def answer(status: int, code: str, message: str, **more: Any) -> JsonResponse:
    """An error as every route of the API gives it; `more` says what a program can act on."""
    return JsonResponse({"error": code, "message": message, **more}, status=status)


def unauthorized(_request: HttpRequest, _error: Exception | None = None) -> HttpResponse:
    """401 that makes App Bridge fetch a new session token and ask once more."""
    return http.unauthorized()


def not_found(_request: HttpRequest, _error: Exception | None = None) -> HttpResponse:
    """404, for an address that is not there and for what belongs to another account alike."""
    return answer(404, "not_found", _("There is nothing at this address."))


def method_not_allowed(allowed: str) -> HttpResponse:
    """405 with the methods that the address takes."""
    message = _("This address takes only %(methods)s.") % {"methods": allowed}
    response = answer(405, "method_not_allowed", message)
    response["Allow"] = allowed
    return response


def _throttled(_request: HttpRequest, _error: Throttled) -> HttpResponse:
    # django-ninja adds Retry-After.
    return answer(429, "too_many_requests", _("Too many requests. Wait and ask again."))


def _invalid_parameters(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _invalid(
        [(str(item["loc"][-1]), _sentence(item["type"], item["msg"])) for item in error.errors]
    )


def _invalid_body(_request: HttpRequest, error: pydantic.ValidationError) -> HttpResponse:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return _invalid(
        [
            (".".join(str(part) for part in item["loc"]), _sentence(item["type"], item["msg"]))
            for item in found
        ]
    )


def _sentence(kind: str, message: str) -> str:
    return _("This is required") if kind == "missing" else message


def _invalid(details: list[tuple[str, str]]) -> HttpResponse:
    told = "; ".join(f"{field}: {message}" if field else message for field, message in details[:5])
    fields = [{"field": field, "message": message} for field, message in details]
    return answer(422, "invalid_request", f"{told}.", details=fields)


def _unreadable(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return answer(422, "invalid_request", _("The body of the request could not be read."))


def _too_large(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return answer(413, "too_large", _("The request is larger than this address takes."))


def _refusal(_request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return answer(refusal.status, refusal.code, str(refusal), **refusal.details)


def _server_error(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("Failed: %s %s", request.method, request.path, exc_info=error)
    return answer(500, "server_error", _("Something went wrong on our side."))


def register(api: NinjaAPI) -> None:
    """Answer every exception that a route can raise by the handlers above."""
    handlers: dict[type[Exception], Any] = {
        AuthenticationError: unauthorized,
        Http404: not_found,
        Throttled: _throttled,
        ValidationError: _invalid_parameters,
        pydantic.ValidationError: _invalid_body,
        MultiPartParserError: _unreadable,
        TooManyFieldsSent: _unreadable,
        TooManyFilesSent: _unreadable,
        RequestDataTooBig: _too_large,
        Refusal: _refusal,
        Exception: _server_error,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)
