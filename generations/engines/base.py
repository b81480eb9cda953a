"""The seam between runs and engines: what an engine is given, what it returns, how it fails.

An engine knows no credits, no database and no request. It turns a job into a result or raises one
of the errors below, whose outcome decides what becomes of the credits (product document, "Credit
Restoration").
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

from django.utils.translation import gettext_noop

Label = Literal["real", "limited", "sandbox"]
Outcome = Literal["platform_error", "provider_error", "content_policy", "timeout"]


class EngineError(Exception):
    """A run that failed. The text is a sentence for the merchant; details go to the log.

    The sentence is English and marked for translation: it is stored with the run and translated
    for whoever reads it, not in the language of the worker.

    `outcome` is the kind of failure, `retry_helps` says whether the same job may succeed when it
    is tried again.
    """

    outcome: ClassVar[Outcome] = "platform_error"

    def __init__(self, message: str, *, retry_helps: bool = False) -> None:
        super().__init__(message)
        self.retry_helps = retry_helps


class PlatformError(EngineError):
    """The fault is on this side: configuration, storage, weights, the local engine itself."""


class ProviderError(EngineError):
    """The AI provider failed or returned something that cannot be used."""

    outcome = "provider_error"


class ContentPolicyError(EngineError):
    """The provider refused the prompt, the input or its own result."""

    outcome = "content_policy"


class EngineTimeoutError(EngineError):
    """The job's deadline passed."""

    outcome = "timeout"


@dataclass(frozen=True)
class InputPicture:
    """A picture that passed `generations.media.reading.read_picture`: clean bytes and their type."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Job:
    """One run: the tool's slug, its settings by name, its pictures in the merchant's order.

    `deadline` is an instant of `time.monotonic()`, so that a clock that is set ends no run; an engine
    stops with EngineTimeoutError once it has passed.
    The same job with the same `seed` gives the same bytes on a local engine.
    """

    tool: str
    deadline: float
    inputs: tuple[InputPicture, ...] = ()
    params: Mapping[str, str | int] = field(default_factory=dict)
    seed: int = 0

    def check_deadline(self) -> None:
        """Raise EngineTimeoutError when no time is left."""
        if time.monotonic() >= self.deadline:
            raise EngineTimeoutError(
                gettext_noop("The run took longer than it may and was stopped.")
            )


@dataclass(frozen=True)
class Result:
    """One output with its origin. Width and height are pixels, None for text."""

    content: bytes
    media_type: str
    width: int | None
    height: int | None
    engine: str
    model: str
    label: Label


class Engine(Protocol):
    """Runs jobs of the tools it is routed for; safe to share between threads of a worker."""

    name: str

    def unavailable_reason(self) -> str | None:
        """Why the engine cannot run now, as a sentence that says what to do; None when it can."""
        ...

    def run(self, job: Job) -> Result:
        """Do the job or raise an EngineError."""
        ...
