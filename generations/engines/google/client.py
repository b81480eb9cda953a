"""Builds the SDK's clients, once per process and only when they are needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from google import genai
from google.genai import types

from generations.engines.google.config import GoogleSettings
from generations.engines.google.errors import GoogleFailure
from generations.engines.google.mapping import google_failures
from generations.engines.google.transport import bounded


class Clients:
    """The clients of one set of settings; safe to share between threads, rebuilt after a fork."""

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings
        self._built: dict[str, genai.Client] = {}
        self._process = os.getpid()
        self._lock = threading.Lock()

    def gemini(self) -> genai.Client:
        """The client of the Gemini API, with an API key."""
        if not self.settings.has_key:
            raise _not_set("There is no API key for Google.")
        return self._once("gemini", self._build_gemini)

    def cloud(self) -> genai.Client:
        """The client of Google Cloud (Vertex AI, now Gemini Enterprise Agent Platform)."""
        if not self.settings.has_cloud:
            raise _not_set("There is no Google Cloud project.")
        with google_failures():  # Default credentials are looked up while it is built.
            return self._once("cloud", self._build_cloud)

    def content(self) -> genai.Client:
        """The client for pictures and text: the API key's, else Google Cloud's."""
        return self.gemini() if self.settings.has_key else self.cloud()

    def _once(self, name: str, build: Callable[[], genai.Client]) -> genai.Client:
        with self._lock:
            if self._process != os.getpid():
                self._built, self._process = {}, os.getpid()
            if name not in self._built:
                self._built[name] = build()
            return self._built[name]

    def _build_gemini(self) -> genai.Client:
        options = self._options(self.settings.base_url, self.settings.api_version)
        return genai.Client(vertexai=False, api_key=self.settings.api_key, http_options=options)

    def _build_cloud(self) -> genai.Client:
        return genai.Client(
            vertexai=True,
            project=self.settings.project,
            location=self.settings.location,
            credentials=self.settings.credentials,
            http_options=self._options(self.settings.vertex_base_url),
        )

    def _options(self, base_url: str, api_version: str = "") -> types.HttpOptions:
        return types.HttpOptions(
            base_url=base_url or None,
            api_version=api_version or None,
            timeout=milliseconds(self.settings.poll_seconds),
            # One attempt: retries are the run's, where they are seen, counted and can be cancelled.
            retry_options=types.HttpRetryOptions(attempts=1),
            client_args=bounded(self.settings.max_response_bytes),
        )


def milliseconds(seconds: float) -> int:
    """The SDK's unit; never 0, which would mean no time-out at all."""
    return max(1, int(seconds * 1000))


def time_for(limit: float, seconds_left: float | None) -> float:
    """The shorter of the setting and what the run has left; a GoogleFailure when nothing is."""
    if seconds_left is None:
        return limit
    if seconds_left <= 0:
        raise GoogleFailure("timeout", "timeout", detail="No time was left before the call.")
    return min(limit, seconds_left)


def request_options(limit: float, seconds_left: float | None = None) -> types.HttpOptions:
    """The options of one call with its own time-out."""
    return types.HttpOptions(timeout=milliseconds(time_for(limit, seconds_left)))


def check_model(client: genai.Client, model: str) -> GoogleFailure | None:
    """Ask Google for the model: None when key and model are right, else what is wrong."""
    try:
        with google_failures():
            client.models.get(model=model)
    except GoogleFailure as failure:
        return failure
    return None


def _not_set(detail: str) -> GoogleFailure:
    return GoogleFailure("platform_error", "key_refused", detail=detail, alarm=True)
