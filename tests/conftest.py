"""Fixtures that every test may use; servers and browsers are in `tests.plugins`."""

from __future__ import annotations

import os

import pytest
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.devstore_fixture import demo_photos, devstore
from tests.framed_fixture import _running_framed_product, admin_page, framed_product
from tests.merchants import HALF_HOUR_ZONE, SAM, Merchant, make_merchant, make_person
from tests.photographs import photographs

__all__ = [
    "_running_framed_product",
    "admin_page",
    "demo_photos",
    "devstore",
    "framed_product",
    "photographs",
]


# How long an example takes says nothing on a machine that does other things too.
on_a_busy_machine = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("desk", on_a_busy_machine)
# A change is judged by the same examples every time; people at their desks look for new ones.
hypothesis_settings.register_profile("ci", on_a_busy_machine, derandomize=True)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture
def owner(db: None) -> Merchant:
    """Olivia, whose store most tests are about."""
    return make_merchant("Olivia", HALF_HOUR_ZONE)


@pytest.fixture
def second_shop(db: None) -> Merchant:
    """Sam, whose store must never be seen from Olivia's."""
    return make_merchant(SAM)


@pytest.fixture
def stranger(db: None) -> Client:
    """Somebody who is signed in and has no account at all."""
    client = Client()
    client.force_login(make_person("Stranger"))
    return client
