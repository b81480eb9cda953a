"""Description Generator by Google's text model: a structured answer, fitted to what a store takes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel

from generations.engines.base import Job, Output, Result, ShortWork
from generations.engines.google.engine import (
    Google,
    clients,
    counted,
    engine_errors,
    prompt_of,
    read_settings,
    seconds_left,
)
from generations.languages import NAMES
from generations.words import fitting, markup

_MOST_TITLE = 255
_MOST_TOKENS = 8_000


class Written(BaseModel):
    """What the model is asked for. Lengths are asked for in words and kept here."""

    title: str
    description_html: str
    bullets: list[str]
    meta_title: str
    meta_description: str
    alt_texts: list[str]


class GoogleDescriptions(ShortWork, Google):
    """One text by the language model. What it may have made up is marked where it is shown."""

    def model(self, tool: str) -> str:
        """The model's id, as the operator has set it."""
        return read_settings().text_model

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """As reported; measured ones take their place once there are some."""
        return 10.0

    def run(self, job: Job) -> Result:
        """Ask the model once; an EngineError for whatever is no description."""
        from generations.engines.google.errors import unusable
        from generations.engines.google.text import TextRequest, write

        request = TextRequest(
            prompt=prompt_of(job, {"language": _language(job)}),
            pictures=tuple(picture.content for picture in job.inputs),
            max_tokens=_MOST_TOKENS,
            seconds_left=seconds_left(job),
        )
        with engine_errors():
            answer = write(clients(), request, Written)
            text = _fitted(answer.value, job)
            if not markup.plain(str(text["description_html"])):
                raise unusable("bad_text", "The description is empty.")
        output = Output("text", media_type="application/json", text=text)
        return Result((output,), self.name, answer.model, "real", usage=counted(answer.usage))


def _language(job: Job) -> str:
    code = str(job.options["language"])
    return f"{NAMES[code]} ({code})"


def _fitted(written: Written, job: Job) -> Mapping[str, object]:
    """The parts within their limits, without the words to avoid; the product keeps its name."""
    avoid = fitting.listed(str(job.options["avoid"]))
    title = _line(str(job.product_data.get("title") or written.title))
    bullets = [_line(markup.plain(one)) for one in written.bullets]
    alts = [_line(alt) for alt in written.alt_texts]
    meta_title = _line(written.meta_title)
    meta = fitting.sentences_without(_line(written.meta_description), avoid)
    return {
        "title": fitting.clipped(title, _MOST_TITLE),
        "description_html": markup.clean(fitting.markup_without(written.description_html, avoid)),
        "bullets": [one for one in bullets if one and not fitting.has(one, avoid)],
        "meta_title": fitting.clipped(
            title if fitting.has(meta_title, avoid) else meta_title or title, fitting.META_TITLE
        ),
        "meta_description": fitting.clipped(meta, fitting.META_DESCRIPTION),
        "alt_texts": [title if fitting.has(alt, avoid) else alt for alt in alts if alt],
    }


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
