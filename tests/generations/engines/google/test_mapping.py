from __future__ import annotations

import json

import httpx2
import pytest
from google.auth.exceptions import RefreshError
from google.genai import errors

from generations.engines.google.errors import GoogleFailure
from generations.engines.google.mapping import from_http, from_word, google_failures


def error(message, status="INVALID_ARGUMENT", **more):
    return {"error": {"message": message, "status": status, **more}}


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code"),
    [
        (
            400,
            error("Invalid value at 'safety_settings[0].category'"),
            "platform_error",
            "bad_request",
        ),
        (400, error("API key expired. Please renew the API key."), "platform_error", "key_refused"),
        (400, error("Blocked", status="safety_blocked"), "content_policy", "refused_input"),
        (
            400,
            [error("User location", status="FAILED_PRECONDITION")],
            "platform_error",
            "not_allowed",
        ),
        (400, "a page", "platform_error", "bad_request"),
        (405, None, "platform_error", "bad_request"),
        (408, None, "timeout", "timeout"),
        (413, {}, "platform_error", "bad_request"),
        (429, {"error": {"code": "rate_limit_exceeded"}}, "platform_error", "quota"),
        (502, "<html>", "provider_error", "unavailable"),
        (504, None, "timeout", "timeout"),
        (200, "<html>", "provider_error", "unreadable"),
        (302, None, "provider_error", "unreadable"),
        (0, None, "provider_error", "unreadable"),
    ],
)
def test_answers(status, body, outcome, code):
    failure = from_http(status, body, "text")
    assert (failure.outcome, failure.code) == (outcome, code)


@pytest.mark.parametrize("delay", ["17", "soon", None, "-3s"])
def test_a_delay_that_is_none_is_none(delay):
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}, "odd"]
    assert from_http(429, error("x", details=details), "").retry_after is None


def test_a_delay_of_parts_of_a_second():
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.25s"}]
    assert from_http(429, error("x", details=details), "").retry_after == 0.25


@pytest.mark.parametrize(
    ("raised", "outcome", "code"),
    [
        (RefreshError("no"), "platform_error", "key_refused"),
        (httpx2.ConnectTimeout("x"), "provider_error", "unreachable"),
        (httpx2.ReadTimeout("x"), "timeout", "timeout"),
        (httpx2.WriteTimeout("x"), "timeout", "timeout"),
        (httpx2.RemoteProtocolError("x"), "provider_error", "unreachable"),
        (httpx2.DecodingError("x"), "provider_error", "unreadable"),
        (json.JSONDecodeError("x", "y", 0), "provider_error", "unreadable"),
        (errors.ServerError(503, {"error": {}}), "provider_error", "unavailable"),
        (errors.APIError(429, {"error": {}}), "platform_error", "quota"),
    ],
)
def test_exceptions(raised, outcome, code):
    with pytest.raises(GoogleFailure) as caught, google_failures():
        raise raised
    assert (caught.value.outcome, caught.value.code) == (outcome, code)
    assert caught.value.__cause__ is raised


def test_our_own_mistakes_pass_through():
    with pytest.raises(ZeroDivisionError), google_failures():
        raise ZeroDivisionError


def test_codes_of_steps_may_be_numbers_in_words():
    assert from_word("8", "x").code == "quota"
    assert from_word("https://example/errors/safety", "x").outcome == "content_policy"
