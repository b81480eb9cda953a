"""Whether what runs a tool is well, and what stands in its way: an outage, a switch, a spent budget.

A provider's failures are not given back, so an outage must not eat merchants' credits: after some
failures in a row that are the provider's own, from two accounts at least, a tool pauses itself, gives
its waiting runs back and is probed at the operator's cost before it opens again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from generations.catalog import TOOLS
from generations.engines import choices, routing
from generations.engines.base import EngineError
from generations.engines.routing import Route
from generations.models import EngineDay, EngineHealth, EngineSwitch, Generation, UsagePrice
from generations.runs import lifecycle
from generations.runs.outages import staff_notices

logger = logging.getLogger(__name__)

FIRST_PROBE = timedelta(minutes=2)
LAST_PROBE = timedelta(minutes=32)
_FROM_ACCOUNTS = 2
_ACCOUNTS_KEPT = 10
_MICRO = 1_000_000


# --- Where a tool stands -------------------------------------------------------------------------


def route(tool: str) -> Route:
    """What runs the tool now; unavailable also while it is paused, switched off or over its cap."""
    return routes([tool])[tool]


def routes(tools: list[str] | None = None) -> Mapping[str, Route]:
    """The routes of these tools, of all by default, in four queries."""
    stops, chosen = _stops(), choices.engines()
    found = {}
    for slug in TOOLS if tools is None else tools:
        here = routing.route(slug, chosen)
        reason = None
        if here.engine:
            reason = stops.get((here.engine, "")) or stops.get((here.engine, slug))
        found[slug] = replace(here, engine="", unavailable_reason=reason) if reason else here
    return found


def _stops() -> dict[tuple[str, str], str]:
    """Sentences by engine and tool, with an empty tool for all of an engine's."""
    off = _("This tool is switched off for now. Nothing was charged.")
    full = _("This tool has reached its limit for today. Nothing was charged. Come back tomorrow.")
    paused = _(
        "The AI provider has an outage, so this tool is paused. Nothing was charged. It opens again "
        "by itself."
    )
    stops = {}
    spent = dict(EngineDay.objects.filter(day=timezone.now().date()).values_list("engine", "spent"))
    for switch in EngineSwitch.objects.all():
        if (
            switch.daily_cap is not None
            and spent.get(switch.engine, 0) >= switch.daily_cap * _MICRO
        ):
            stops[switch.engine, switch.tool] = full
        if not switch.is_on:
            stops[switch.engine, switch.tool] = off
    pauses = EngineHealth.objects.filter(paused_at__isnull=False)
    for engine, tool, fault in pauses.values_list("engine", "tool", "fault"):
        stops.setdefault((engine, tool), off if fault else paused)
    return stops


# --- What runs tell ------------------------------------------------------------------------------


def note_success(generation: Generation) -> None:
    """A run came out: failures in a row are over, and what it cost the operator is added up."""
    if generation.engine == "local":
        return
    health = EngineHealth.objects.filter(engine=generation.engine, tool=generation.tool)
    health.filter(failures__gt=0, paused_at=None).update(failures=0, accounts=[])
    add_spending(generation.engine, generation.model, generation.usage)


def note_failure(generation: Generation, *, outage: bool, error: EngineError | None = None) -> None:
    """A run failed at its provider.

    The last of several outages in a row pauses the tool, and so does at once a fault that staff have
    to mend: a key that is refused, an account that is limited, a model that is gone. Staff are told.
    """
    if generation.engine == "local":
        return
    fault, stops = getattr(error, "fault", ""), getattr(error, "stops_tool", False)
    with transaction.atomic():
        EngineHealth.objects.get_or_create(engine=generation.engine, tool=generation.tool)
        health = EngineHealth.objects.select_for_update().get(
            engine=generation.engine, tool=generation.tool
        )
        health.last_error, health.last_error_at = generation.error, timezone.now()
        if outage:
            health.failures += 1
            accounts = [a for a in health.accounts if a != generation.account_id]
            health.accounts = [*accounts, generation.account_id][-_ACCOUNTS_KEPT:]
        pauses = health.paused_at is None and (stops or _is_out(health))
        if pauses:
            health.paused_at, health.probes = timezone.now(), 0
            health.probe_at = timezone.now() + FIRST_PROBE
            health.fault = fault[:500] if stops else ""
        health.save()
        if pauses or fault:
            _tell_staff(health, fault, pauses=pauses)
    if pauses:
        reason = fault or "an outage of the provider"
        logger.error("%s pauses %s: %s", generation.engine, generation.tool, reason)
        _give_back_waiting(generation.engine, generation.tool)


def note_error(engine: str, tool: str, error: EngineError) -> None:
    """Work that is no run failed at its provider, such as an answer of the assistant.

    The error is kept for staff, who are told where they have to mend something; what was refused
    for its content is no error of anybody's. Nothing is paused: nobody pays for such work, and who
    asks again sees whether it goes on.
    """
    if engine == "local" or error.outcome == "content_policy":
        return
    health, _created = EngineHealth.objects.update_or_create(
        engine=engine,
        tool=tool,
        defaults={"last_error": str(error)[:500], "last_error_at": timezone.now()},
    )
    if fault := getattr(error, "fault", ""):
        _tell_staff(health, fault, pauses=False)


def _is_out(health: EngineHealth) -> bool:
    """Whether outages in a row, met by more than one account, are the provider's own."""
    enough = health.failures >= settings.OUTAGE_FAILURES
    return enough and len(health.accounts) >= _FROM_ACCOUNTS


def _tell_staff(health: EngineHealth, fault: str, *, pauses: bool) -> None:
    what = fault or f"{health.failures} runs in a row failed: an outage of the provider."
    paused = " The tool is paused; what waited was given back." if pauses else ""
    about = f"{health.engine} {health.tool} {fault or 'outage'}"
    staff_notices.tell(about, f"{health.tool} at {health.engine}: {what}{paused}")


def _give_back_waiting(engine: str, tool: str) -> None:
    waiting = Generation.objects.filter(engine=engine, tool=tool, state=Generation.State.QUEUED)
    for generation in waiting:
        lifecycle.give_back(generation)


def add_spending(engine: str, model: str, usage: Mapping[str, int]) -> None:
    """Add what the provider counted, by the price table of staff, to the engine's day."""
    prices = dict(
        UsagePrice.objects.filter(engine=engine, model=model).values_list("unit", "micro_usd")
    )
    cost = sum(int(count * prices.get(unit, 0)) for unit, count in usage.items())
    if not cost:
        return
    with transaction.atomic():
        day, _created = EngineDay.objects.select_for_update().get_or_create(
            engine=engine, day=timezone.now().date()
        )
        day.spent += cost
        day.save(update_fields=["spent"])


# --- Opening again -------------------------------------------------------------------------------


def take_due_probes(now: datetime | None = None) -> list[EngineHealth]:
    """The paused tools that are due to be probed; each is due again later, at growing intervals."""
    now = timezone.now() if now is None else now
    taken = []
    for health in EngineHealth.objects.filter(paused_at__isnull=False, probe_at__lte=now):
        pause = min(FIRST_PROBE * 2 ** (health.probes + 1), LAST_PROBE)
        changed = EngineHealth.objects.filter(pk=health.pk, probe_at=health.probe_at).update(
            probe_at=now + pause, probes=health.probes + 1
        )
        if changed:
            taken.append(health)
    return taken


def reopen(health: EngineHealth) -> None:
    """The provider answers again: the tool can be started."""
    EngineHealth.objects.filter(pk=health.pk).update(
        failures=0, accounts=[], paused_at=None, probe_at=None, probes=0, fault=""
    )
    logger.warning("%s opens %s again", health.engine, health.tool)
