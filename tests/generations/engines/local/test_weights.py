"""The networks' files are in the repository, whole, with their licences."""

from __future__ import annotations

import hashlib

import pytest

from generations.engines.local import weights
from generations.engines.routing import unavailable_reason


@pytest.mark.parametrize("file", weights.ALL, ids=lambda file: file.name)
def test_the_bytes_are_the_ones_that_were_looked_at(file):
    assert hashlib.sha256(file.path.read_bytes()).hexdigest() == file.sha256


@pytest.mark.parametrize("file", weights.ALL, ids=lambda file: file.name)
def test_the_licence_lies_beside_them(file):
    licence = file.path.with_suffix(".LICENSE.txt").read_text()

    assert "Apache License" in licence or "MIT License" in licence


def test_together_they_are_small_enough_for_a_repository():
    assert sum(file.path.stat().st_size for file in weights.ALL) < 12_000_000


@pytest.mark.django_db
def test_a_fresh_checkout_has_the_tool_switched_on():
    assert unavailable_reason("background-removal") is None
