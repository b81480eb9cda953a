"""What the engines of this machine have in common: one heavy job, one result, one set of errors."""

from __future__ import annotations

import abc
import functools
import logging
from typing import ClassVar

import cv2
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from generations.engines.base import Job, Label, Output, PlatformError, Result, ShortWork
from generations.engines.local.pixels.arrays import NoProductError
from generations.engines.local.pixels.mattes import NothingFoundError
from generations.engines.local.pixels.metadata import Origin, Source
from generations.engines.local.weights import Weights

logger = logging.getLogger(__name__)


class LocalEngine(ShortWork, abc.ABC):
    """An engine without a provider: the same job gives the same bytes.

    A network is loaded by the first job that needs it, so after any fork, and runs in one thread:
    a worker process is one core.
    """

    name = "local"
    model_name: ClassVar[str]
    honest_label: ClassVar[Label]
    source: ClassVar[Source] = "algorithmicallyEnhanced"
    weights: ClassVar[tuple[Weights, ...]] = ()

    def label(self, tool: str) -> Label:
        """What can honestly be said of this work."""
        return self.honest_label

    def model(self, tool: str) -> str:
        """What makes the output."""
        return self.model_name

    def unavailable_reason(self, tool: str) -> str | None:
        """Tell the merchant that the tool is off, and the log which weights are missing."""
        for needed in self.weights:
            if not needed.path.is_file():
                _log_missing(needed)
                return _("This tool is switched off for now. Our staff can switch it on.")
        return None

    def run(self, job: Job) -> Result:
        """Do the job.

        Raises PlatformError when a stored picture cannot be decoded, weights are gone or no product
        stands out; EngineTimeoutError past the deadline.
        """
        reason = self.unavailable_reason(job.tool)
        if reason:
            raise PlatformError(reason)
        job.check_deadline()
        cv2.setNumThreads(1)
        try:
            return self._work(job)
        except (NothingFoundError, NoProductError) as error:
            raise PlatformError(
                gettext_noop(
                    "Our engine found no product here. Choose an image in which one stands out."
                )
            ) from error

    @abc.abstractmethod
    def _work(self, job: Job) -> Result:
        """The tool's own part."""

    def _origin(self, model: str = "") -> Origin:
        tool = f"ecomVance {self.name} engine, {model or self.model_name}"
        return Origin(tool, self.source, sandbox=self.honest_label == "sandbox")

    def _result(self, *outputs: Output, model: str = "") -> Result:
        return Result(outputs, self.name, model or self.model_name, self.honest_label)


@functools.cache
def _log_missing(needed: Weights) -> None:
    # Pages ask about every tool; the log needs to hear it once per process.
    logger.warning("There are no weights at %s: they belong to the repository", needed.path)
