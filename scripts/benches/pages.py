"""`scripts/bench pages`: Home, History and Usage with 10 and with 10,000 runs.

Statements and server time are of the document alone. What is transferred (all but pictures, nothing
cached yet), LCP and CLS are Chromium's, headless, against uvicorn on this machine with the settings
and static files of production. With ten times a thousand runs nothing may grow but the figures.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import sync_playwright

from scripts.measuring.database import benchmark_database
from scripts.measuring.web import PRODUCTION, web_server
from scripts.servers.valkey import PrivateValkey

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = {"Home": "", "Gallery": "gallery", "Usage": "usage", "Ledger": "usage/ledger"}
SIZES = (10, 10_000)
ROUNDS = 15
LOADS = 3
VITALS = r"""
() => new Promise((resolve) => {
  let lcp = 0, cls = 0;
  new PerformanceObserver((list) => { for (const e of list.getEntries()) lcp = e.startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) if (!e.hadRecentInput) cls += e.value;
  }).observe({ type: "layout-shift", buffered: true });
  const picture = (e) => e.initiatorType === "img" || /\.(png|svg|webp|ico)(\?|$)/.test(e.name);
  setTimeout(() => {
    const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const bytes = loaded.filter((e) => !picture(e)).reduce((sum, e) => sum + e.transferSize, 0);
    resolve([lcp, cls, bytes / 1000]);
  }, 600);
})
"""


def measure_server(client: Client, address: str) -> tuple[int, float]:
    """Statements and median milliseconds of one page."""
    statements: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        statements.append(sql)
        return execute(sql, params, many, context)

    response = client.get(address)
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}.")
    with connection.execute_wrapper(count):
        client.get(address)
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        client.get(address)
        times.append((time.perf_counter() - started) * 1000)
    return len(statements), statistics.median(times)


def measure_browser(
    browser: Browser, url: str, client: Client, address: str
) -> tuple[float, float, float]:
    """Kilobytes, median LCP in milliseconds and the worst CLS of a few first loads."""
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}
    measured: list[list[float]] = []
    for _load in range(LOADS):
        context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            # As behind the proxy that ends TLS.
            extra_http_headers={"X-Forwarded-Proto": "https"},
        )
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        # The live connection is opened once the page stands; from http its origin is refused.
        page.route("**/dashboard/live", lambda route: route.abort())
        page.goto(f"{url}{address}")
        measured.append(page.evaluate(VITALS))
        context.close()
    lcp, shift = statistics.median(m[0] for m in measured), max(m[1] for m in measured)
    return statistics.median(m[2] for m in measured), lcp, shift


def main() -> None:
    """Print the table."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("No Chromium here: install it (apt-get install chromium).")
    valkey = PrivateValkey()
    valkey.start()
    os.environ |= {"REDIS_URL": valkey.url(), "CELERY_BROKER_URL": valkey.url()}
    os.environ |= {"LOG_LEVEL": "ERROR"} | PRODUCTION
    with benchmark_database() as database:
        from scripts.measuring.merchants import (  # noqa: PLC0415  Django has to be set up first.
            make_merchant,
        )

        clients = {size: make_merchant(size) for size in SIZES}
        rows = {
            (name, size): measure_server(clients[size], f"/dashboard/{path}")
            for name, path in PAGES.items()
            for size in SIZES
        }
        print(f"{'page':10}{'runs':>8}{'queries':>9}{'ms':>8}{'kB':>8}{'LCP ms':>9}{'CLS':>8}")
        with web_server(database) as server, sync_playwright() as playwright:
            url = server.url
            browser = playwright.chromium.launch(
                executable_path=chromium, chromium_sandbox=os.geteuid() != 0
            )
            measure_browser(browser, url, clients[10], "/dashboard/")  # Warm up.
            for (name, size), (statements, took) in rows.items():
                address = f"/dashboard/{PAGES[name]}"
                kilobytes, lcp, shift = measure_browser(browser, url, clients[size], address)
                print(
                    f"{name:10}{size:>8,}{statements:>9}{took:>8.1f}{kilobytes:>8.1f}"
                    f"{lcp:>9.0f}{shift:>8.3f}"
                )
            browser.close()
    valkey.stop()


if __name__ == "__main__":
    main()
