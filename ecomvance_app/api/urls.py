"""The addresses below /api/, where every answer is JSON, also in development."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from ecomvance_app.api import errors, schemas
from ecomvance_app.api.routes import api
from ecomvance_app.http import public

View = Callable[..., HttpResponse]


@functools.cache
def _document() -> dict[str, Any]:
    document = dict(api.get_openapi_schema())
    document["components"]["schemas"] |= schemas.request_definitions()
    return document


def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 document of the API."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return JsonResponse(_document())


def unknown(request: HttpRequest, **_rest: str) -> HttpResponse:
    """What is at no address of the API."""
    return errors.not_found(request)


def _answer_in_json(view: View) -> View:
    """Say 405 as every other error, and keep an account's answers out of caches."""

    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            response = errors.method_not_allowed(response["Allow"])
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return csrf_exempt(answered)


def _routes() -> list[URLPattern]:
    """django-ninja's own patterns, their views wrapped."""
    patterns = [found for found in api.urls[0] if isinstance(found, URLPattern)]
    for pattern in patterns:
        pattern.callback = _answer_in_json(pattern.callback)
    return patterns


urlpatterns = [
    path("v1/openapi.json", public(_answer_in_json(openapi))),
    path("v1/", public(_answer_in_json(unknown))),
    path("v1/", (_routes(), "ninja", "api")),
    path("", public(_answer_in_json(unknown))),
    path("<path:rest>", public(_answer_in_json(unknown))),
]
