"""What the assistant can look up of an account: by the functions that its pages read.

Each answers plain data for this account alone; the account comes from the request, never from what
was asked. Nothing here writes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from credits import queries as credit_queries
from credits.models import Account, Package, Plan
from credits.periods import local_day
from credits.reports import history, receipts, usage
from credits.templatetags.credit_amounts import words as period_words
from generations import catalog, products
from generations.assist.advice import cheaper_way
from generations.assist.events import Source
from generations.catalog import Tool, Variant
from generations.models import Generation
from generations.runs import queries as run_queries
from generations.runs import quote
from generations.runs.outages import health

if TYPE_CHECKING:
    from credits.models import LedgerEntry

_SEARCHED = 200
_MOST_LISTED = 10
_TIPS_FROM = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was looked up, and the pages where it stands."""

    data: dict[str, Any]
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose facts they are, and the instant of the question."""

    account: Account
    now: datetime

    def time(self, instant: datetime) -> str:
        """An instant as this account's pages write it."""
        local = timezone.localtime(instant, ZoneInfo(self.account.time_zone))
        return date_format(local, "DATETIME_FORMAT")


def read_balance(asker: Asker) -> Reading:
    """Plan and package credits, and what happens to the plan credits when."""
    # Read again: a model may ask some seconds after the question came.
    account = Account.objects.get(pk=asker.account.pk)
    balance = credit_queries.read_balance(account, asker.now)
    data = {
        "plan": balance.plan,
        "package": balance.package,
        "total": balance.total,
        "is_low": balance.low,
        "renewal_pending": balance.renewal_pending,
        "trial_day": balance.trial_day,
        "trial_days": balance.trial_days if balance.trial_day else None,
        "resets_at": balance.resets_at.isoformat() if balance.resets_at else None,
        "resets_at_text": asker.time(balance.resets_at) if balance.resets_at else "",
        "at_end": period_words(balance.at_end) if balance.at_end else "",
        "allocation": balance.allocation,
    }
    return Reading(data, (Source("balance"),))


def read_prices(_asker: Asker, tool: str = "") -> Reading:
    """Every tool with its prices and whether it can be started now, or one of them."""
    routes = health.routes()
    listed = [
        {
            "tool": found.slug,
            "name": found.name,
            "summary": str(found.summary),
            "available": routes[found.slug].unavailable_reason is None,
            "reason": routes[found.slug].unavailable_reason or "",
            "prices": [
                {
                    "choice": choice_words(variant),
                    "resolution": variant.resolution,
                    "seconds": variant.seconds,
                    "credits": quote.price_now(variant, routes[found.slug].label),
                    "list_credits": variant.credits,
                }
                for variant in found.variants
            ],
        }
        for found in catalog.TOOLS.values()
        if tool in ("", found.slug)
    ]
    return Reading({"tools": listed}, (Source("prices"),))


def what_fits(_asker: Asker, credits: int) -> Reading:
    """How often each choice of each tool that can be started now fits into so many credits."""
    routes = health.routes()
    fits = [
        {
            "tool": tool.slug,
            "name": tool.name,
            "choice": choice_words(variant),
            "credits": variant.credits,
            "runs": credits // variant.credits,
        }
        for tool, variant in _priced()
        if routes[tool.slug].unavailable_reason is None and routes[tool.slug].label != "sandbox"
    ]
    return Reading({"credits": credits, "fits": fits}, (Source("prices"),))


def _priced() -> Iterable[tuple[Tool, Variant]]:
    """Each price of each tool once, the largest resolution of one price standing for it."""
    for tool in catalog.TOOLS.values():
        by_price = {variant.credits: variant for variant in tool.variants if variant.credits}
        for variant in by_price.values():
            yield tool, variant


def choice_words(variant: Variant) -> str:
    """The choice in words; empty for a tool with one price."""
    if variant.seconds:
        return _("%(seconds)d seconds") % {"seconds": variant.seconds}
    return variant.resolution or ""


def explain_charge(
    asker: Asker, sequence: int = 0, run: str = "", tool: str = "", credits: int = 0
) -> Reading:
    """One charge with its split, its outcome and the rule: the one named, else the latest that fits."""
    spend = _find_spend(asker.account.pk, sequence, run, tool, credits)
    if spend is None:
        return Reading({"found": False}, (Source("ledger"),))
    made = Generation.objects.filter(account_id=asker.account.pk, spend=spend).first()
    receipt = receipts.read_receipt(asker.account.pk, spend.pk, made.outcome if made else "")
    if receipt is None:
        return Reading({"found": False}, (Source("ledger"),))
    known = catalog.TOOLS.get(spend.tool)
    data = {
        "found": True,
        "entry": spend.sequence,
        "at": spend.created_at.isoformat(),
        "at_text": asker.time(spend.created_at),
        "tool": known.name if known else spend.tool,
        "size": (made.resolution or (f"{made.seconds} s" if made.seconds else "")) if made else "",
        "product": made.product_title if made else "",
        "credits": receipt.credits,
        "plan": receipt.plan,
        "package": receipt.package,
        "plan_after": spend.plan_after,
        "package_after": spend.package_after,
        "state": str(made.get_state_display()) if made else "",
        "outcome": str(Generation.Outcome(receipt.outcome).label) if receipt.outcome else "",
        "rule": receipt.rule,
        "meaning": receipt.words,
        "run": str(made.pk) if made else None,
        "restored": receipt.restoration.credits if receipt.restoration else 0,
    }
    sources = [Source("ledger", str(spend.sequence))]
    sources += [Source("run", str(made.pk)), Source("report", str(made.pk))] if made else []
    return Reading(data, tuple(sources))


def _find_spend(
    account_id: int, sequence: int, run: str, tool: str, credits: int
) -> LedgerEntry | None:
    if sequence:
        return history.get_spend(account_id, sequence)
    if run:
        made = _find_run(account_id, run)
        return made.spend if made else None
    for entry in history.newest_spends(account_id, among=_SEARCHED):
        if tool in ("", entry.tool) and credits in (0, -entry.credits):
            return entry
    return None


def _find_run(account_id: int, run: str) -> Generation | None:
    try:
        return run_queries.get_for_account(account_id, uuid.UUID(run))
    except (Generation.DoesNotExist, ValueError):
        return None


def list_runs(asker: Asker, tool: str = "", state: str = "", limit: int = 5) -> Reading:
    """The newest runs, of one tool or state where one is named."""
    runs, _next = run_queries.list_page(
        asker.account.pk, tool=tool, state=state, limit=min(limit, _MOST_LISTED)
    )
    listed = [
        {
            "run": str(run.pk),
            "tool": catalog.TOOLS[run.tool].name,
            "at_text": asker.time(run.created_at),
            "state": str(run.get_state_display()),
            "product": run.product_title,
            "credits": run.price,
            "message": run.message,
        }
        for run in runs
    ]
    return Reading({"runs": listed}, (Source("history"),))


def read_usage(asker: Asker, days: int = 30) -> Reading:
    """What was used in the last days, by tool; today counts as one."""
    today = local_day(asker.now, asker.account.time_zone)
    report = usage.read_days(
        asker.account.pk, today - timedelta(days=days - 1), today + timedelta(days=1)
    )
    tools = [
        {
            "tool": catalog.TOOLS[share.name].name if share.name in catalog.TOOLS else share.name,
            "runs": share.runs,
            "credits": share.credits,
            "percent": share.percent,
        }
        for share in report.tools
    ]
    used = sum(share.credits for share in report.tools)
    return Reading({"days": days, "used": used, "tools": tools}, (Source("usage"),))


def list_plans(asker: Asker) -> Reading:
    """What can be purchased, by the price list, and the plan that runs now."""
    plan = asker.account.plan
    data = {
        "present": plan.name if plan and asker.account.period_kind in ("paid", "staff") else "",
        "plans": [_offer(one) for one in Plan.objects.filter(on_sale=True).order_by("position")],
        "packages": [
            _offer(one) for one in Package.objects.filter(on_sale=True).order_by("position")
        ],
    }
    return Reading(data, (Source("plans"),))


def _offer(one: Plan | Package) -> dict[str, Any]:
    return {"name": one.name, "credits": one.credits, "usd": str(one.price_usd)}


def list_products(asker: Asker, search: str = "") -> Reading:
    """Products of the account's store by words of their titles."""
    found = products.list_products(asker.account.pk, search)[:_MOST_LISTED]
    listed = [
        {"product_id": one.id, "title": one.title, "photos": len(one.photos)} for one in found
    ]
    return Reading({"products": listed})


def saving_advice(asker: Asker) -> Reading:
    """A cheaper way for what this account uses most."""
    today = local_day(asker.now, asker.account.time_zone)
    report = usage.read_days(asker.account.pk, today - _TIPS_FROM, today + timedelta(days=1))
    return Reading({"for_you": cheaper_way(report.tools)}, (Source("help", "saving"),))
