"""An engine of the tests' own."""

from __future__ import annotations

from generations.engines.base import Job, Result
from tests.generations import sample_pictures as samples


class Engine:
    """An engine of the test's own behind the real seam: counts, answers or fails as told."""

    name = "local"

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None
        content = samples.encoded(samples.see_through(), "PNG")
        self.result = Result(content, "image/png", 400, 400, "local", "test-model", "real")

    def unavailable_reason(self) -> str | None:
        return None

    def run(self, job: Job) -> Result:
        self.runs += 1
        if self.error:
            raise self.error
        return self.result
