"""The merchant's pages ask the database as often for a busy store as for a new one."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scripts.measuring.merchants import make_merchant

pytestmark = pytest.mark.django_db


def test_queries_are_the_same_at_10_and_10_000_runs(db):
    clients = [make_merchant(runs) for runs in (10, 10_000)]

    def counted(client, path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(f"/dashboard/{path}")
        assert response.status_code == 200
        return len(queries)

    usage = clients[0].get("/dashboard/usage").content.decode()
    first_period = re.findall(r'value="(period-\d+)"', usage)[-1]
    last_month = re.findall(r'value="(\d{4}-\d\d)"', usage)[1]
    for path in (
        "", "gallery", "usage", f"usage?span={last_month}", f"usage?span={first_period}",
        "usage/ledger", "usage/ledger?before=9", "usage/ledger/9",
    ):  # fmt: skip
        few, many = (counted(client, path) for client in clients)
        assert few == many <= 24, path
