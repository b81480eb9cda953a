"""The JSON forms of the ledger's objects: what the API and the live events send, and what the OpenAPI
document says of it. Each form reads the attributes of its object.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from credits import queries
from credits.reports.usage import UsageReport


def _iso(instant: object) -> object:
    return instant.isoformat() if isinstance(instant, datetime) else instant


# Texts, not datetimes: API and live events write an instant alike, and a client compares texts.
Instant = Annotated[str, BeforeValidator(_iso), Field(json_schema_extra={"format": "date-time"})]
Credits = Annotated[int, Field(description="Whole credits.")]


class JsonForm(BaseModel):
    """A form that is read off an object's attributes; a renamed field names its attribute."""

    model_config = ConfigDict(from_attributes=True, validate_by_name=True, validate_by_alias=True)


class Balance(JsonForm):
    """What the account holds now. A client keeps the answer with the highest `version`."""

    plan: Credits
    package: Credits
    total: Credits
    resets_at: Instant | None
    version: int
    low: bool


class Statement(JsonForm):
    """Opening + added + restored + adjusted - used - expired = closing."""

    opening: Credits
    added: Credits
    restored: Credits
    adjusted: Credits
    used: Credits
    expired: Credits
    closing: Credits


class ToolShare(JsonForm):
    """What one tool used in the span; the percents of a month add up to 100."""

    tool: Annotated[str, Field(validation_alias="name")]
    runs: int
    credits: Credits
    percent: int


class Day(JsonForm):
    """One day with entries. `net` = `used` - `restored` - `adjusted`."""

    day: date
    tools: list[ToolShare]
    used: Credits
    restored: Credits
    adjusted: Credits
    net: Credits


class Summary(JsonForm):
    """What happened in a span, from the ledger."""

    runs: int
    used: Credits
    net: Credits
    plan: Statement
    package: Statement
    total: Statement
    tools: list[ToolShare]
    days: list[Day]


def balance_json(balance: queries.Balance) -> dict[str, Any]:
    """A balance as `GET /api/v1/balance` and the event `balance` carry it."""
    return Balance.model_validate(balance).model_dump(mode="json")


def usage_json(report: UsageReport) -> dict[str, Any]:
    """The summary of a span: its totals, a statement per bucket, its tools and its days."""
    return Summary.model_validate(report).model_dump(mode="json")
