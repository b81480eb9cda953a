"""The staff admin of credits, found by Django under this name."""

from __future__ import annotations

from credits.admin import accounts, pages

__all__ = ["accounts", "pages"]
