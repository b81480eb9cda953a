"""Fixtures of the long stories: the fake Shopify."""

from __future__ import annotations

from tests.devstore_fixture import demo_photos, devstore

__all__ = ["demo_photos", "devstore"]
