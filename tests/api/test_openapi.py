"""The OpenAPI document, and that the API keeps its word under hundreds of strange requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.db.models import Sum
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from credits import ledger
from credits.models import LedgerEntry
from ecomvance_app.wsgi import application
from generations.models import Generation
from tests.merchants import ApiMerchant

api = schemathesis.openapi.from_wsgi(
    "/api/v1/openapi.json",
    application,
    config=SchemathesisConfig.from_path(django_settings.BASE_DIR / "schemathesis.toml"),
)


def test_describes_every_route_to_anybody(stranger: Client) -> None:
    answer = stranger.get("/api/v1/openapi.json")

    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert {path: sorted(methods) for path, methods in document["paths"].items()} == {
        "/api/v1/balance": ["get"],
        "/api/v1/tools": ["get"],
        "/api/v1/quotes": ["post"],
        "/api/v1/assist": ["post"],
        "/api/v1/generations": ["get", "post"],
        "/api/v1/generations/{generation_id}": ["delete", "get"],
        "/api/v1/generations/{generation_id}/cancel": ["post"],
        "/api/v1/batches": ["post"],
        "/api/v1/batches/{batch_id}": ["get"],
        "/api/v1/batches/{batch_id}/cancel": ["post"],
        "/api/v1/batches/{batch_id}/pause": ["post"],
        "/api/v1/batches/{batch_id}/resume": ["post"],
        "/api/v1/batches/{batch_id}/retry": ["post"],
        "/api/v1/usage": ["get"],
    }
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"SessionToken": []}, {"ConnectionKey": []}]
            assert {"401", "405", "429", "500"} < operation["responses"].keys()


@pytest.fixture
def olivia(owner: ApiMerchant, shadowing: None, settings: object) -> Iterator[ApiMerchant]:
    """Olivia with credits for every request, and unlimited requests; her books must add up."""
    dummy = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    settings.CACHES = {"default": dummy}  # type: ignore[attr-defined]
    ledger.add_package(owner.account.pk, 1_000_000, "pkg")
    yield owner
    runs = Generation.objects.filter(account=owner.account)
    charged = runs.aggregate(total=Sum("price", default=0))["total"]
    assert owner.holdings[0] == 1_000_100 - charged
    assert LedgerEntry.objects.filter(kind="spend").count() == runs.count()


@pytest.mark.django_db(transaction=True)
@api.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_keeps_its_word(case: schemathesis.Case[Any], olivia: ApiMerchant) -> None:
    case.call_and_validate(headers=olivia.headers)
