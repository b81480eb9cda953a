"""Fixtures of the identity and Shopify tests."""

from __future__ import annotations

from tests.devstore_fixture import devstore

__all__ = ["devstore"]
