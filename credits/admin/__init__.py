"""The staff admin of credits, found by Django under this name."""

from __future__ import annotations

from credits.admin import accounts, low_default, pages

__all__ = ["accounts", "low_default", "pages"]
