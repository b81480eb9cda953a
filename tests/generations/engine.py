"""An engine of the tests' own."""

from __future__ import annotations

from datetime import timedelta

from generations.engines.base import Job, Label, Output, Pending, Result
from tests.generations import sample_pictures as samples


def picture_result(label: Label = "real", *, engine: str = "local") -> Result:
    """One small picture, as an engine returns it."""
    content = samples.encoded(samples.see_through(), "PNG")
    return Result((Output("image", content, "image/png", 400, 400),), engine, "test-model", label)


class Engine:
    """An engine of the test's own behind the real seam: counts, answers or fails as told."""

    name = "local"

    def __init__(self, label: Label = "real", *, name: str = "local", long: bool = False) -> None:
        self.name = name
        self.runs = 0
        self.jobs: list[Job] = []
        self.cancelled: list[str] = []
        self.error: Exception | None = None
        self.reason: str | None = None
        self._label, self._long = label, long
        self.result: Result | Pending = picture_result(label, engine=name)
        if long:
            self.result = Pending("handle-1", timedelta())
        self.polled: Result | Pending | Exception = picture_result(label, engine=name)

    def unavailable_reason(self, tool: str) -> str | None:
        return self.reason

    def label(self, tool: str) -> Label:
        return self._label

    def model(self, tool: str) -> str:
        return "test-model"

    def is_long(self, tool: str) -> bool:
        return self._long

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        return 3.0

    def run(self, job: Job) -> Result | Pending:
        self.runs += 1
        self.jobs.append(job)
        if self.error:
            raise self.error
        return self.result

    def poll(self, tool: str, handle: str) -> Result | Pending:
        if isinstance(self.polled, Exception):
            raise self.polled
        return self.polled

    def cancel(self, tool: str, handle: str) -> None:
        self.cancelled.append(handle)
