"""What of ShopifyAPI must not be used is refused by the linter, with the reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def complaints(code: str) -> str:
    """What ruff says of a module of ours with this code."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache"]
    command += ["--output-format", "concise", "--stdin-filename", "shopify_auth/products.py", "-"]
    ran = subprocess.run(command, input=code, capture_output=True, text=True, cwd=ROOT, check=False)
    assert not ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import shopify\nshopify.ShopifyResource.activate_session(None)",
        "from shopify.base import ShopifyResource",
        "from shopify import Session\nSession.temp('a', 'b', 'c')",
        "from shopify.session import Session\nSession.temp('a', 'b', 'c')",
        "from shopify import GraphQL",
        "from shopify.resources.graphql import GraphQL",
        "from shopify import Session\nSession.request_token",
    ],
)
def test_the_linter_refuses_what_threads_share_and_what_has_no_time_limit(code):
    assert "TID251" in complaints(code)


def test_it_lets_through_what_is_used():
    code = "from shopify import ApiAccess, Session, session_token\nSession.validate_hmac({})"
    assert "All checks passed" in complaints(code)
