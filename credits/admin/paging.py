"""Paging of lists that may have millions of rows: nothing is counted to its end."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

# What lies further back is found by a search, a filter or an account's story, which page by key.
MOST_ROWS = 5_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # Generic for type checkers alone.
    """Counts to a limit, so that a list costs the same however long its table is."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, or the limit."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_ROWS].count())
