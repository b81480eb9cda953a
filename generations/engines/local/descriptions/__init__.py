"""Description Generator: a draft by a template from the product's own data, in English."""

from __future__ import annotations

from generations.engines.base import Job, Output, Result
from generations.engines.local.descriptions import facts, grammar
from generations.engines.local.work import LocalEngine
from generations.words import fitting, invented


class Descriptions(LocalEngine):
    """Sentences of the product's data and of the merchant, ordered and joined; nothing invented.

    Keywords that claim what the data does not say are left out.
    """

    model_name = "template draft"
    honest_label = "real"

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """A moment: no network runs."""
        return 1.0

    def _work(self, job: Job) -> Result:
        """One text; the same order gives the same words."""
        known = facts.gather(job.product_data, job.prompt)
        wanted = fitting.listed(str(job.options["keywords"]))
        wishes = grammar.Wishes(
            template=str(job.options["template"]),
            tone=str(job.options["tone"]),
            length=str(job.options["length"]),
            keywords=tuple(
                word
                for word in wanted
                if not invented.find_in({"keyword": word}, job.product_data, job.prompt)
            ),
            avoid=fitting.listed(str(job.options["avoid"])),
        )
        text = grammar.write(known, wishes)
        return self._result(Output("text", media_type="application/json", text=text))
