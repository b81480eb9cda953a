"""What the fake remembers: its calls, the jobs and files it holds. Nothing is written to disk."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from generations.engines.fake_google.markers import Marker
from generations.engines.fake_google.replies import Json

CallKind = Literal["image", "text", "video_create", "video_poll"]
CALL_KINDS: tuple[CallKind, ...] = ("image", "text", "video_create", "video_poll")
_REMEMBERED_CALLS = 50
_REMEMBERED_JOBS = 500


@dataclass(frozen=True)
class Call:
    """One counted request, for the page."""

    kind: CallKind
    model: str
    prompt: str
    pictures: int
    at: datetime


@dataclass
class VideoJob:
    """An interaction (Omni) or an operation (Veo)."""

    id: str
    model: str
    marker: Marker
    seconds: float
    aspect: str
    has_picture: bool = False
    polls: int = 0
    cancelled: bool = False

    @property
    def file(self) -> str:
        """The name of the file that holds its video: lower-case letters and digits, as Google's."""
        return f"vid{self.id.replace('_', '')}"


@dataclass
class State:
    """All of it. Each method takes the lock for itself."""

    jobs: dict[str, VideoJob] = field(default_factory=dict)
    files: dict[str, VideoJob] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    requests: deque[Json] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_CALLS))
    _counts: Counter[str] = field(default_factory=Counter)
    _calls: deque[Call] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_CALLS))
    _seen_once: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: CallKind, model: str, prompt: str = "", pictures: int = 0) -> None:
        """Note a request."""
        with self._lock:
            self._counts[kind] += 1
            self._calls.appendleft(Call(kind, model, prompt, pictures, datetime.now(UTC)))

    def counts(self) -> dict[str, int]:
        """What `GET /calls` answers."""
        with self._lock:
            return {kind: self._counts[kind] for kind in CALL_KINDS}

    def calls(self) -> list[Call]:
        """The latest calls, newest first."""
        with self._lock:
            return list(self._calls)

    def effective(self, marker: Marker, prompt: str) -> Marker:
        """The marker, or none when it was a `-once` that has had its turn."""
        if not marker.once:
            return marker
        with self._lock:
            if prompt in self._seen_once:
                return Marker()
            self._seen_once.add(prompt)
        return marker

    def add_job(self, job: VideoJob) -> VideoJob:
        """Keep the job under an id of its own, and under a file's name for its result."""
        with self._lock:
            job.id = f"{job.id}{next(self._numbers)}"
            self.jobs[job.id] = job
            self.files[job.file] = job
            while len(self.jobs) > _REMEMBERED_JOBS:
                oldest = self.jobs.pop(next(iter(self.jobs)))
                self.files.pop(oldest.file, None)
        return job

    def remove(self, kind: Literal["file", "interaction"], name: str) -> bool:
        """Delete a file or an interaction; whether there was one."""
        with self._lock:
            store = self.files if kind == "file" else self.jobs
            if store.pop(name, None) is None:
                return False
            self.deleted.append(f"{kind}/{name}")
            return True
