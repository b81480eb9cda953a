"""Fixtures that every test may use; servers and browsers are in `tests.plugins`."""

from __future__ import annotations
