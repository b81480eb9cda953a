"""The Admin API's rate limit: what a document costs, and the bucket that pays for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, OperationType, parse

MUTATION_COST = 10


@dataclass
class Bucket:
    """Points of one app on one store, in real time."""

    maximum: float = 2_000
    restore_rate: float = 100
    available: float = 2_000
    filled_at: float = field(default_factory=time.monotonic)

    def take(self, points: float) -> bool:
        """Take `points` if they are there."""
        now = time.monotonic()
        self.available = min(
            self.maximum, self.available + (now - self.filled_at) * self.restore_rate
        )
        self.filled_at = now
        if points > self.available:
            return False
        self.available -= points
        return True

    def drain(self) -> None:
        """Empty it, as if another part of the app had used everything up."""
        self.available = 0
        self.filled_at = time.monotonic()

    def status(self) -> dict[str, float]:
        """As `throttleStatus` reports it."""
        return {
            "maximumAvailable": self.maximum,
            "currentlyAvailable": int(self.available),
            "restoreRate": self.restore_rate,
        }


def document_cost(document: str, variables: dict[str, Any]) -> int:
    """About what Shopify would charge: one point per object, ten per mutation, lists by size."""
    cost = 0
    for definition in parse(document).definitions:
        if isinstance(definition, OperationDefinitionNode):
            mutation = definition.operation is OperationType.MUTATION
            for selection in definition.selection_set.selections:
                cost += MUTATION_COST if mutation else 0
                cost += _field_cost(selection, variables)
    return cost


def _field_cost(selection: object, variables: dict[str, Any]) -> int:
    children = getattr(getattr(selection, "selection_set", None), "selections", ())
    cost = sum(_field_cost(child, variables) for child in children)
    if not isinstance(selection, FieldNode) or not children:
        return cost
    size = 1
    for argument in selection.arguments or ():
        if argument.name.value in {"first", "last"}:
            value = getattr(argument.value, "value", None)
            name = getattr(getattr(argument.value, "name", None), "value", "")
            size = int(value if value is not None else variables.get(name) or 1)
    return 1 + size * cost if size > 1 else 1 + cost
