"""Which period a Shopify subscription has paid: a pure function of what Shopify shows.

Source: decisions on credits, "Renewal of a paid plan".
"""

from __future__ import annotations

from datetime import datetime

from credits.periods import BILLING_CYCLE


def paid_period(
    created_at: datetime,
    current_period_end: datetime | None,
    previous_end: datetime | None,
    now: datetime,
) -> tuple[datetime, datetime]:
    """The period of a Shopify subscription: 30 days that end at `current_period_end`.

    It starts where the previous one ended when the two touch, else at the later of the
    subscription's creation and 30 days before its end; a previous one that is not over yet is
    replaced, so its end says nothing. Test and development stores have no
    `current_period_end`: their periods are 30-day windows counted from the creation.
    """
    if current_period_end is None:
        windows = max(0, (now - created_at) // BILLING_CYCLE)
        start = created_at + windows * BILLING_CYCLE
        return start, start + BILLING_CYCLE
    earliest = current_period_end - BILLING_CYCLE
    if previous_end is not None and earliest <= previous_end <= now < current_period_end:
        return previous_end, current_period_end
    return max(created_at, earliest), current_period_end
