"""The staff admin of credits, found by Django under this name."""

from __future__ import annotations

from credits.admin import pages

__all__ = ["pages"]
