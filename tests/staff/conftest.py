"""A colleague who sees everything, and runs of Olivia's that went wrong."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from generations import tasks
from generations.engines.base import PlatformError
from generations.models import Generation
from shopify_auth.models import Person
from tests.generations.conftest import engine, store
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant

__all__ = ["engine", "store"]


@pytest.fixture
def chief(db: None) -> Client:
    """Sasha, who may do everything."""
    client = Client()
    client.force_login(Person.objects.create_superuser("sasha@example.com", "x", name="Sasha"))
    return client


def fail(merchant: Merchant, engine: Engine, error: Exception) -> Generation:
    """A run of the merchant's that ends so."""
    engine.error = error
    before = set(Generation.objects.values_list("pk", flat=True))
    ask(merchant.client, key=uuid.uuid4().hex)
    run = Generation.objects.exclude(pk__in=before).get()
    tasks.run(generation_id=str(run.pk))
    run.refresh_from_db()
    return run


@pytest.fixture
def failed_run(owner: Merchant, engine: Engine) -> Generation:
    """A platform error of Olivia's, whose case is open."""
    return fail(owner, engine, PlatformError("Our disk was full."))
