"""Pages of lists as GraphQL connections, with opaque cursors."""

from __future__ import annotations

import base64
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo

Info: TypeAlias = GraphQLResolveInfo[Any]

LONGEST_PAGE = 250


def connection(nodes: list[dict[str, Any]], arguments: dict[str, Any]) -> dict[str, Any]:
    """The page of `nodes` asked for by first/after or last/before, in the order asked for."""
    first, last = arguments.get("first"), arguments.get("last")
    size = first if first is not None else last
    if size is None:
        raise GraphQLError("you must provide one of first or last")
    if not 0 <= size <= LONGEST_PAGE:
        raise GraphQLError(f"first and last must be between 0 and {LONGEST_PAGE}")
    ordered = nodes[::-1] if arguments.get("reverse") else nodes
    start, end = 0, len(ordered)
    if arguments.get("after"):
        start = _position(ordered, arguments["after"]) + 1
    if arguments.get("before"):
        end = _position(ordered, arguments["before"])
    if first is not None:
        end = min(end, start + size)
    else:
        start = max(start, end - size)
    edges = [{"cursor": _cursor(node), "node": node} for node in ordered[start:end]]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
            "hasPreviousPage": start > 0,
            "hasNextPage": end < len(ordered),
        },
    }


def _cursor(node: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(str(node["id"]).encode()).decode()


def _position(nodes: list[dict[str, Any]], cursor: str) -> int:
    for position, node in enumerate(nodes):
        if _cursor(node) == cursor:
            return position
    raise GraphQLError("Invalid cursor for current pagination sort.")
