"""What tests of open pages wait for: the live stream, a condition, a page that stands still."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.plugins.browser import PATIENCE_MILLISECONDS

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

STILL_LOOKS = 5


def stream(page: Page, path: str) -> None:
    """Open a page and wait until its live stream is open: from here on it misses nothing."""
    page.goto(path)
    page.locator("body[data-live=open]").wait_for()


def until(page: Page, condition: Callable[[], object]) -> None:
    """Wait for what no locator can wait for, such as an event of the browser or a measure."""
    deadline = time.monotonic() + PATIENCE_MILLISECONDS / 1000
    while not condition():
        assert time.monotonic() < deadline, "It did not come about."
        page.wait_for_timeout(50)


def still_box(page: Page, element: Locator) -> FloatRect:
    """Where an element stands once nothing moves it any more: pictures and advice come later."""
    seen: list[FloatRect | None] = []

    def stands() -> bool:
        seen.append(element.bounding_box())
        last = seen[-STILL_LOOKS:]
        return len(last) == STILL_LOOKS and all(one is not None and one == last[0] for one in last)

    until(page, stands)
    box = seen[-1]
    assert box
    return box
