"""The JSON forms of the ledger's objects, shared by the API and the live events."""

from __future__ import annotations

from typing import Any

from credits.queries import Balance
from credits.reports.usage import DayReport, Share, Statement, UsageReport


def balance_json(balance: Balance) -> dict[str, Any]:
    """A balance as `GET /api/v1/balance` and the event `balance` carry it."""
    return {
        "plan": balance.plan,
        "package": balance.package,
        "total": balance.total,
        "resets_at": balance.resets_at.isoformat() if balance.resets_at else None,
        "version": balance.version,
        "low": balance.low,
    }


def usage_json(report: UsageReport) -> dict[str, Any]:
    """The summary of a span: its totals, a statement per bucket, its tools and its days."""
    return {
        "runs": report.runs,
        "used": report.used,
        "net": report.net,
        "plan": _statement(report.plan),
        "package": _statement(report.package),
        "total": _statement(report.total),
        "tools": [_share(tool) for tool in report.tools],
        "days": [_day(day) for day in report.days],
    }


def _statement(statement: Statement) -> dict[str, int]:
    return {
        "opening": statement.opening,
        "added": statement.added,
        "restored": statement.restored,
        "adjusted": statement.adjusted,
        "used": statement.used,
        "expired": statement.expired,
        "closing": statement.closing,
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "tool": share.name,
        "runs": share.runs,
        "credits": share.credits,
        "percent": share.percent,
    }


def _day(day: DayReport) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "tools": [_share(tool) for tool in day.tools],
        "used": day.used,
        "restored": day.restored,
        "adjusted": day.adjusted,
        "net": day.net,
    }
