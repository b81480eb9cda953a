"""From the SDK's exceptions and Google's codes to a GoogleFailure. Unknown is never success."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from google.auth.exceptions import GoogleAuthError
from google.genai import errors as sdk_errors
from google.genai._interactions.core import error as interaction_errors
from pydantic import ValidationError

from generations.engines.google.errors import GoogleFailure
from generations.engines.google.transport import AnswerTooLargeError

# Not "safety" alone: a wrong safety setting of ours is told in words that hold it too.
_POLICY_WORDS = re.compile(
    r"usage guidelines|responsible ai|support codes?:|safety (?:filter|polic|reason)"
    r"|content.?policy|prohibited content|sensitive words",
    re.IGNORECASE,
)
_POLICY_CODES = re.compile(r"safety|policy|prohibited|blocked|sensitive|moderation", re.IGNORECASE)
_QUOTA_CODES = re.compile(r"quota|rate.?limit|resource.?exhausted|budget", re.IGNORECASE)
_PICTURE_WORDS = re.compile(r"process input image|input image|image is not valid", re.IGNORECASE)
_DELAY = re.compile(r"([\d.]+)s")
_RPC_TO_HTTP = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 13: 500, 14: 503, 16: 401}

# What the SDK's reading of an answer raises that is JSON, and of another shape than Google's.
_ODD_SHAPES = (ValidationError, AttributeError, TypeError, KeyError)


@contextmanager
def google_failures() -> Iterator[None]:
    """Turn whatever the SDK raises inside into a GoogleFailure.

    Only calls of the SDK stand inside, with arguments that were made outside: a mistake of ours
    must not be taken for Google's, which merchants pay for.
    """
    try:
        yield
    except GoogleFailure:
        raise
    except (
        sdk_errors.APIError,
        interaction_errors.APIError,
        httpx2.HTTPError,
        httpx2.StreamError,
        sdk_errors.UnknownApiResponseError,
        json.JSONDecodeError,
        GoogleAuthError,
        *_ODD_SHAPES,
    ) as error:
        raise failure_of(error) from error


def failure_of(error: Exception) -> GoogleFailure:
    """What an exception of the SDK means."""
    if isinstance(error, GoogleAuthError):
        return GoogleFailure("platform_error", "key_refused", detail=str(error), alarm=True)
    if isinstance(error, sdk_errors.APIError):
        return from_http(error.code or 0, error.details, error.message or str(error))
    if isinstance(error, interaction_errors.APIStatusError):
        return from_http(error.status_code or 0, error.body, error.message)
    return _from_transport(error)


def _from_transport(error: Exception) -> GoogleFailure:
    chain = list(_causes(error))
    if any(isinstance(each, AnswerTooLargeError) for each in chain):
        return GoogleFailure("provider_error", "too_large", detail=str(error), maybe_accepted=True)
    if any(isinstance(each, httpx2.ConnectError | httpx2.ConnectTimeout) for each in chain):
        # Nothing was sent, so that even a job that must not be repeated may be.
        return GoogleFailure("provider_error", "unreachable", detail=str(error), retry_helps=True)
    if any(
        isinstance(each, httpx2.TimeoutException | interaction_errors.APITimeoutError)
        for each in chain
    ):
        return GoogleFailure("timeout", "timeout", detail=str(error), maybe_accepted=True)
    broken = any(isinstance(each, httpx2.TransportError) for each in chain)
    return GoogleFailure(
        "provider_error",
        "unreachable" if broken else "unreadable",
        detail=f"{type(error).__name__}: {error}",
        retry_helps=True,
        maybe_accepted=True,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def from_http(status: int, body: Any, message: str) -> GoogleFailure:
    """What an error answer means: its status first, then what it says."""
    error = _error_object(body)
    text = str(error.get("message") or message)
    reason = str(error.get("status") or error.get("code") or status)
    if status == 400:
        return _bad_request(error, reason, text)
    if status in {401, 403}:
        return _ours("key_refused" if status == 401 else "not_allowed", reason, text)
    if status == 404:
        return _ours("model_gone", reason, text)
    if status == 429:
        return GoogleFailure(
            "platform_error",
            "quota",
            reason=reason,
            detail=text,
            retry_helps=True,
            retry_after=retry_delay(error),
        )
    return _server_side(status, reason, text)


def _server_side(status: int, reason: str, text: str) -> GoogleFailure:
    if status in {408, 504}:
        return GoogleFailure("timeout", "timeout", reason=reason, detail=text, maybe_accepted=True)
    if 400 <= status < 500:
        return _ours("bad_request", reason, text)
    code = "unavailable" if status >= 500 else "unreadable"
    # A 503 is turned away at the door; another 5xx, or a 200 of garbage, may have been accepted.
    return GoogleFailure(
        "provider_error",
        code,
        reason=reason,
        detail=text,
        retry_helps=True,
        maybe_accepted=status != 503,
    )


def _bad_request(error: dict[str, Any], reason: str, text: str) -> GoogleFailure:
    said = f"{text} {_reasons(error)}"
    if "API_KEY_INVALID" in said or "API key not valid" in said or "API key expired" in said:
        return _ours("key_refused", "API_KEY_INVALID", text)
    if reason == "FAILED_PRECONDITION":
        return _ours("not_allowed", reason, text)
    if _PICTURE_WORDS.search(text):
        return GoogleFailure("provider_error", "picture_refused", reason=reason, detail=text)
    if _POLICY_WORDS.search(text) or _POLICY_CODES.search(reason):
        return GoogleFailure("content_policy", "refused_input", reason=reason, detail=text)
    return _ours("bad_request", reason, text)


def _ours(code: str, reason: str, text: str) -> GoogleFailure:
    """A fault of ours that staff has to mend: the tool goes off until they did."""
    return GoogleFailure("platform_error", code, reason=reason, detail=text, alarm=True)


def _error_object(body: Any) -> dict[str, Any]:
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": str(error)}


def _reasons(error: dict[str, Any]) -> str:
    details = error.get("details")
    each = details if isinstance(details, list) else []
    return " ".join(str(detail.get("reason", "")) for detail in each if isinstance(detail, dict))


def retry_delay(error: dict[str, Any]) -> float | None:
    """The seconds of RetryInfo; the SDK does not honour them."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("RetryInfo"):
            found = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
            if found:
                return float(found[1])
    return None


def from_rpc(code: int, message: str) -> GoogleFailure:
    """What the error of a finished operation or step means; its job is over, nothing is repeated."""
    failure = from_http(_RPC_TO_HTTP.get(code, 500), {"error": {"message": message}}, message)
    name = "job_failed" if failure.code == "unavailable" else failure.code
    return GoogleFailure(
        failure.outcome, name, reason=str(code), detail=message, alarm=failure.alarm
    )


def from_word(code: str, message: str) -> GoogleFailure:
    """What an error of the Interactions API means; its codes are words or URIs."""
    if code.isdecimal():
        return from_rpc(int(code), message)
    if _POLICY_CODES.search(code) or _POLICY_WORDS.search(message):
        return GoogleFailure("content_policy", "refused_output", reason=code, detail=message)
    if _QUOTA_CODES.search(code):
        return GoogleFailure("platform_error", "quota", reason=code, detail=message)
    return GoogleFailure("provider_error", "job_failed", reason=code, detail=message)
