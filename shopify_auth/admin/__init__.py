"""The staff admin of the Shopify side, found by Django under this name."""

from __future__ import annotations

from shopify_auth.admin import charges, people_and_stores

__all__ = ["charges", "people_and_stores"]
