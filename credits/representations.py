"""The JSON forms of the ledger's objects, shared by the API and the live events."""

from __future__ import annotations

from typing import Any

from credits.queries import Balance


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
