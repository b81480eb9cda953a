"""The page's end of the live stream, when the stream leads nowhere any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.live_pages import stream
from tests.merchants import make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_stream_that_is_open_and_silent_is_opened_anew(
    sign_in: Callable[..., Page], product: object
) -> None:
    page = sign_in(make_merchant("Olivia").person)
    page.clock.install()
    stream(page, "/dashboard/gallery")

    # A line that was cut says nothing: the browser still takes the stream for open.
    with page.expect_request("**/events?ticket=*"):
        page.clock.fast_forward(41_000)
        page.clock.run_for(10_000)
