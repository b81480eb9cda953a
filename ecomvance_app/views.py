"""Health checks and error pages."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ecomvance_app.celery import app
from ecomvance_app.doors.body_limits import takes_batch
from ecomvance_app.http import public
from ecomvance_app.watching import heartbeats
from generations.runs.batches import too_many_sent


@public
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@public
def readyz(request: HttpRequest) -> JsonResponse:
    """The process answers and reaches its database and broker; 503 naming what is away.

    With `?deep` beat and a worker must have shown a sign of life within a minute too.
    """
    away = [
        name for name, reaches in (("database", _database), ("broker", _broker)) if not reaches()
    ]
    if "deep" in request.GET and "broker" not in away:
        away += _dead()
    if away:
        return JsonResponse({"status": "unavailable", "away": away}, status=503)
    return JsonResponse({"status": "ok"})


def _dead() -> list[str]:
    try:
        return heartbeats.read().dead
    except RedisError:
        return ["heartbeats"]


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker() -> bool:
    try:
        with app.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError):
        return False
    return True


def _error(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/api/"):
        codes = {400: "bad_request", 403: "forbidden", 404: "not_found", 500: "server_error"}
        messages = {
            400: "The request could not be read.",
            403: "This is not allowed.",
            404: "There is nothing at this address.",
            500: "Something went wrong on our side.",
        }
        return JsonResponse({"error": codes[status], "message": messages[status]}, status=status)
    return render(request, f"{status}.html", status=status)


@public
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; a batch of more files than are read at all is told what a batch takes."""
    if isinstance(exception, TooManyFilesSent) and takes_batch(request.path):
        reason = too_many_sent(settings.DATA_UPLOAD_MAX_NUMBER_FILES)
        return render(request, "400.html", {"reason": reason}, status=422)
    return _error(request, 400)


@public
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403)


@public
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404)


@public
def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, 500)
