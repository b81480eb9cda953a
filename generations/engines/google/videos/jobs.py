"""A video job between its steps, and what every maker of videos can do."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Literal, Protocol

from generations.engines.google.errors import GoogleFailure
from generations.engines.google.prompts import Prompt
from generations.engines.google.videos.mp4 import Clip

Maker = Literal["veo", "omni"]
Task = Literal["text_to_video", "image_to_video"]
ASPECTS = ("16:9", "9:16")
SECONDS = (4, 6, 8)


@dataclass(frozen=True)
class VideoRequest:
    """What is asked for; `first_frame` is the merchant's clean picture, if there is one."""

    prompt: Prompt
    first_frame: bytes | None = None
    seconds: int = 8
    aspect: str = "9:16"
    sound: bool = False
    seconds_left: float | None = None

    def check(self) -> None:
        """Raise ValueError for what no maker takes."""
        if self.seconds not in SECONDS:
            raise ValueError(f"A clip has {SECONDS} seconds.")
        if self.aspect not in ASPECTS:
            raise ValueError(f"A clip is {ASPECTS}.")

    @property
    def task(self) -> Task:
        """From a picture or from words alone."""
        return "image_to_video" if self.first_frame else "text_to_video"


@dataclass(frozen=True)
class Handle:
    """A job at Google: who makes it, its name there, what was asked. JSON can carry it."""

    maker: Maker
    ref: str
    model: str
    seconds: int

    def as_json(self) -> dict[str, Any]:
        """For the run's row."""
        return asdict(self)

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Handle:
        """From the run's row."""
        return Handle(stored["maker"], stored["ref"], stored["model"], int(stored["seconds"]))


@dataclass(frozen=True)
class Pending:
    """Not done. `failure` is set when the poll itself failed and the job may well go on."""

    retry_after: float
    failure: GoogleFailure | None = None


@dataclass(frozen=True)
class Ready:
    """Done: the video by address or at hand, not yet checked."""

    uri: str = ""
    content: bytes = field(default=b"", repr=False)
    usage: dict[str, Any] = field(default_factory=dict)


class BoundedSink(io.RawIOBase):
    """Writes through to a file and takes so many bytes, no more."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._left = max_bytes

    def write(self, data: Any) -> int:
        """Pass it on while there is room."""
        self._left -= len(data)
        if self._left < 0:
            raise GoogleFailure("provider_error", "too_large", detail="The video is too large.")
        return self._file.write(data)


@dataclass(frozen=True)
class Fetched:
    """A checked clip, and whether Google holds nothing of the job any more."""

    clip: Clip
    deleted: bool


class VideoMaker(Protocol):
    """One way to have a video made at Google."""

    def create(self, request: VideoRequest) -> Handle:
        """Hand the job over, once; GoogleFailure when that failed."""
        ...

    def poll(self, handle: Handle) -> Pending | Ready:
        """Ask once; GoogleFailure when the job has failed."""
        ...

    def download(self, ready: Ready, sink: BoundedSink) -> None:
        """Write the video to `sink`, which bounds it."""
        ...

    def delete(self, handle: Handle, ready: Ready | None) -> bool:
        """Delete what Google stores of the job; whether all of it is gone."""
        ...

    def cancel(self, handle: Handle) -> bool:
        """Ask Google to stop; whether it said yes."""
        ...


def pending_after(failure: GoogleFailure, again: float) -> Pending:
    """A poll that failed for a reason that passes; anything else is raised."""
    if failure.outcome == "timeout" or failure.retry_helps:
        return Pending(max(again, failure.retry_after or 0), failure)
    raise lost(failure)


def lost(failure: GoogleFailure) -> GoogleFailure:
    """The failure; a 404 speaks of the job or its file here, not of the model."""
    if failure.code != "model_gone":
        return failure
    return GoogleFailure("provider_error", "job_lost", reason=failure.reason, detail=failure.detail)
