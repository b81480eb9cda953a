"""The assistant's guide, as routing knows it: rules over look-ups, no AI model, nothing to load."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from generations.engines.base import Job, Label, PlatformError, Result, ShortWork

MODEL = "guide, no AI model"


class Guide(ShortWork):
    """Always there. It is asked on its own page and makes no runs."""

    name = "local"

    def unavailable_reason(self, tool: str) -> str | None:
        """Nothing is in its way."""
        return None

    def label(self, tool: str) -> Label:
        """It knows what its rules know."""
        return "limited"

    def model(self, tool: str) -> str:
        """Named for what it is."""
        return MODEL

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """It answers at once."""
        return 1.0

    def run(self, job: Job) -> Result:
        """An answer is no run."""
        raise PlatformError(gettext_noop("Something went wrong on our side."))
