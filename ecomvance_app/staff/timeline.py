"""An account's ledger as a story: each entry with the run, person, rule, charge and case behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from credits.reports import actors, for_staff
from generations.catalog import TOOLS
from generations.models import Generation
from shopify_auth.models import Purchase, Subscription

if TYPE_CHECKING:
    from credits.models import LedgerEntry


@dataclass(slots=True)
class Line:
    """One entry in words. `case_id` is that of the spend, `charge` the bill's own name for it."""

    entry: LedgerEntry
    tool: str = ""
    product: str = ""
    person: str = ""
    outcome: str = ""
    rule: str = ""
    run: Generation | None = None
    case_id: int | None = None
    case_state: str = ""
    charge: Subscription | Purchase | None = None
    note: str = ""
    is_restored: bool = False
    charge_page: str = field(init=False, default="")

    def __post_init__(self) -> None:
        if self.charge is not None:
            self.charge_page = f"admin:shopify_auth_{self.charge._meta.model_name}_change"

    @property
    def balance(self) -> int:
        """Both buckets after the entry."""
        return self.entry.plan_after + self.entry.package_after


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lines, newest first, and the sequence that older ones are asked with."""

    lines: list[Line]
    older_before: int | None


def read(account_id: int, before: int | None = None) -> Timeline:
    """A page of the story, in a number of queries that does not depend on its length."""
    told = for_staff.read_story(account_id, before)
    runs = {
        run.spend_id: run
        for run in Generation.objects.filter(spend__in=told.spend_ids).select_related(
            "requested_by"
        )
    }
    rules, people = for_staff.rules(), actors.names(entry.actor for entry in told.entries)
    charges = _charges(told.entries)
    lines = []
    for entry in told.entries:
        spend = told.spend_of(entry)
        run = runs.get(spend.pk) if spend is not None else None
        case = getattr(spend, "case", None) if spend is entry else None
        note = getattr(entry, "note", None)
        lines.append(
            Line(
                entry,
                tool=_tool(run.tool if run else spend.tool if spend else entry.tool),
                product=run.product_title if run else "",
                person=people[entry.actor],
                outcome=str(run.get_outcome_display()) if run else "",
                rule=rules.get(run.outcome, "") if run else "",
                run=run,
                case_id=case.pk if case else None,
                case_state=str(case.get_state_display()) if case else "",
                charge=charges.get(for_staff.charge_of(entry)),
                note=note.text if note else "",
                is_restored=getattr(entry, "restoration", None) is not None,
            )
        )
    return Timeline(lines, told.older_before)


def _tool(slug: str) -> str:
    return TOOLS[slug].name if slug in TOOLS else slug


def _charges(entries: list[LedgerEntry]) -> dict[str, Subscription | Purchase]:
    gids = {gid for entry in entries if (gid := for_staff.charge_of(entry))}
    found: dict[str, Subscription | Purchase] = {}
    if gids:
        for model in (Subscription, Purchase):
            found |= {str(row.gid): row for row in model.objects.filter(gid__in=gids)}
    return found
