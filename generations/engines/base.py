"""The seam between runs and engines: what an engine is given, what it returns, how it fails.

An engine knows no credits, no database and no request. It turns a job into a result, or answers that
the work is pending at its provider, or raises one of the errors below, whose outcome decides what
becomes of the credits (product document, "Credit Restoration").
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Literal, Protocol

from django.utils.translation import gettext_noop

Label = Literal["real", "limited", "sandbox"]
OutputKind = Literal["image", "video", "text"]
Outcome = Literal["platform_error", "provider_error", "content_policy", "timeout"]


class EngineError(Exception):
    """A run that failed. The text is a sentence for the merchant; details go to the log.

    The sentence is English and marked for translation: it is stored with the run and translated
    for whoever reads it, not in the language of the worker.

    `outcome` is the kind of failure, `retry_helps` says whether the same job may succeed when it
    is tried again, `retry_after` how many seconds the provider asks to be left alone first.
    """

    outcome: ClassVar[Outcome] = "platform_error"

    def __init__(
        self, message: str, *, retry_helps: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retry_helps = retry_helps
        self.retry_after = retry_after


class PlatformError(EngineError):
    """The fault is on this side: configuration, storage, weights, the local engine itself.

    `fault` tells staff what they have to mend, in words without anything of a merchant's.
    `stops_tool` says that every other run would fail the same way until they did.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_helps: bool = False,
        retry_after: float | None = None,
        fault: str = "",
        stops_tool: bool = False,
    ) -> None:
        super().__init__(message, retry_helps=retry_helps, retry_after=retry_after)
        self.fault = fault
        self.stops_tool = stops_tool


class ProviderError(EngineError):
    """The AI provider failed or returned something that cannot be used.

    `outage` says that the provider itself is ill (a 5xx, a dropped connection), not this one job.
    """

    outcome = "provider_error"

    def __init__(
        self,
        message: str,
        *,
        retry_helps: bool = False,
        retry_after: float | None = None,
        outage: bool = False,
    ) -> None:
        super().__init__(message, retry_helps=retry_helps, retry_after=retry_after)
        self.outage = outage


class ContentPolicyError(EngineError):
    """The provider refused the prompt, the input or its own result."""

    outcome = "content_policy"


class EngineTimeoutError(EngineError):
    """The job's deadline passed."""

    outcome = "timeout"


@dataclass(frozen=True)
class InputPicture:
    """A picture that passed `generations.media.reading.read_picture`: clean bytes and their type.

    `name` is the merchant's file name, for downloads only.
    """

    content: bytes
    media_type: str
    name: str = ""


@dataclass(frozen=True)
class Job:
    """One run: the tool's slug, its options by name, its pictures in the merchant's order.

    `deadline` is an instant of `time.monotonic()`, so that a clock that is set ends no run; an engine
    stops with EngineTimeoutError once it has passed. `mask` is as large as the first picture, white
    where it is marked. `options` went through `generations.options.clean`, so every option that the
    tool declares is there. The same job with the same `seed` gives the same bytes on a local engine.
    """

    tool: str
    deadline: float
    inputs: tuple[InputPicture, ...] = ()
    mask: InputPicture | None = None
    reference: InputPicture | None = None
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    prompt: str = ""
    resolution: str = ""
    seconds: int | None = None
    product_data: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0

    def check_deadline(self) -> None:
        """Raise EngineTimeoutError when no time is left."""
        if time.monotonic() >= self.deadline:
            raise EngineTimeoutError(gettext_noop("This run took too long, so we stopped it."))


@dataclass(frozen=True)
class Output:
    """One output. Width and height are pixels, None for text; `seconds` is a video's length.

    `content` is the master, the provider's bytes untouched; empty for text, which lies in `text`.
    `poster` is a still of a video, as PNG, JPEG or WebP.
    """

    kind: OutputKind
    content: bytes = b""
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    text: Mapping[str, object] | None = None
    poster: bytes = b""


@dataclass(frozen=True)
class Result:
    """What came out and what made it. `usage` is what the provider counted, by name."""

    outputs: tuple[Output, ...]
    engine: str
    model: str
    label: Label
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """Long work that goes on at the provider, which calls it `handle`."""

    handle: str
    poll_after: timedelta


def finished(answer: Result | Pending) -> Result:
    """The result of work that is never long; TypeError if it is pending all the same."""
    if isinstance(answer, Pending):
        raise TypeError("Work that answers at once is pending")
    return answer


class Engine(Protocol):
    """Runs jobs of the tools it is routed for; safe to share between threads of a worker."""

    name: str

    def unavailable_reason(self, tool: str) -> str | None:
        """Why the tool cannot run now, as a sentence for merchants; None when it can."""
        ...

    def label(self, tool: str) -> Label:
        """What the engine honestly does for this tool."""
        ...

    def model(self, tool: str) -> str:
        """The name of what makes the output."""
        ...

    def is_long(self, tool: str) -> bool:
        """Whether `run` starts work at the provider that must never be started twice."""
        ...

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """About how long a run takes, in seconds, measured or reported."""
        ...

    def run(self, job: Job) -> Result | Pending:
        """Do the job or start it; raises an EngineError."""
        ...

    def poll(self, tool: str, handle: str) -> Result | Pending:
        """What became of work that is pending; raises an EngineError when it failed."""
        ...

    def cancel(self, tool: str, handle: str) -> None:
        """Stop pending work and delete what lies at the provider, as far as that goes."""
        ...


class ShortWork:
    """The part of the seam that an engine with an answer at once has no use for."""

    def is_long(self, tool: str) -> bool:
        """Never: `run` returns the result."""
        return False

    def poll(self, tool: str, handle: str) -> Result | Pending:
        """There is nothing to ask for."""
        raise PlatformError(gettext_noop("Something went wrong on our side."))

    def cancel(self, tool: str, handle: str) -> None:
        """There is nothing to stop."""
