"""Photographs the product in each of the demo store's states, on a data folder of its own.

Besides the pictures it reports what a look would miss: pages that scroll sideways, errors in the
browser's console, answers that are not 200. It exits 1 when there are any.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from scripts.photographed_pages import ADDRESSES, STATES
from scripts.servers.processes import die_with_parent, end
from scripts.servers.valkey import PrivateValkey, free_port

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "var" / "screenshots"
SHARED = ("demo_photos",)
WIDTHS = {1280: 900, 390: 844}
STARTED_WITHIN_SECONDS = 60
MERCHANT = ("demo@ecomvance.test", "try-ecomvance")
STAFF = ("staff@ecomvance.test", "try-ecomvance")

DEMO_STORE = "ecomvance-demo"
CLIENT_ID = "development-client-id"


@dataclass
class Studio:
    """One state's running product."""

    state: str
    folder: Path
    valkey: str
    port: int = field(default_factory=free_port)
    shopify_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """The web server's address."""
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Settings that touch nothing but this folder."""
        return os.environ | {
            "DEBUG": "on",
            "APP_URL": self.url,
            "DEV_STORE": f"http://127.0.0.1:{self.shopify_port}",
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}",
            "STORAGE_URL": f"file://{self.folder / 'files'}",
            "REDIS_URL": self.valkey,
            "CELERY_BROKER_URL": self.valkey,
            "LOG_LEVEL": "WARNING",
        }

    def prepare(self, database: Path) -> None:
        """Take a copy of the migrated database and play the state into it."""
        for name in SHARED:
            (self.folder / name).symlink_to(ROOT / "var" / name)
        if not database.exists():
            self._manage("migrate", "-v0")
            self._manage("demo_store")
            shutil.copy(self.folder / "db.sqlite3", database)
        shutil.copy(database, self.folder / "db.sqlite3")
        if self.state != "new":
            self._manage("demo_history", "--state", self.state)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Web server and fake Shopify, ended afterwards."""
        web = ("-m", "uvicorn", "ecomvance_app.asgi:application", "--port", str(self.port),
               "--lifespan", "off", "--no-access-log", "--timeout-graceful-shutdown", "1", "--log-level", "warning")  # fmt: skip
        shopify = ("manage.py", "devstore", "--port", str(self.shopify_port))
        programs = [self._start(*web), self._start(*shopify)]
        try:
            _until_answered(f"{self.url}/healthz")
            _until_answered(f"http://127.0.0.1:{self.shopify_port}/")
            yield
        finally:
            for program in programs:
                end(program, signal.SIGTERM)

    def _manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  It only calls prctl.
        )


def _until_answered(address: str) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while True:
        try:
            with urlopen(address, timeout=2):  # noqa: S310  This machine's own server.
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                sys.exit(f"{address} did not answer in {STARTED_WITHIN_SECONDS} s.")
            time.sleep(0.1)


class Photographer:
    """Opens pages by name at one width and keeps pictures and complaints."""

    def __init__(self, browser: Browser, studio: Studio, width: int) -> None:
        viewport = {"width": width, "height": WIDTHS[width]}
        context = browser.new_context(
            base_url=studio.url,
            viewport=viewport,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        # Chromium lets no page reach loopback unasked; the fake Shopify and the app are both there.
        context.grant_permissions(["local-network-access"])
        self.page: Page = context.new_page()
        self._shopify = f"http://127.0.0.1:{studio.shopify_port}"
        self.state, self.width = studio.state, width
        self.complaints: list[str] = []
        self._shown = ""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complain(str(error)))

    def sign_in(self, log_in: tuple[str, str]) -> None:
        """Sign in by the form, as a person does."""
        self.page.context.clear_cookies()
        self.page.goto("/dashboard/sign-in/login/")
        self.page.fill("[name=login]", log_in[0])
        self.page.fill("[name=password]", log_in[1])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda address: "/sign-in/" not in address)

    def photograph(self, name: str) -> Path:
        """Open a page by its name and take its picture."""
        self._shown = name
        self._open(name)
        self.page.wait_for_load_state("load")
        sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        # Pages of the admins are Django's and the fake Shopify's; ours is in the latter's frame.
        ours = self.page.frames[1] if name.startswith("admin-") else self.page
        if ours.evaluate(sideways) and not name.startswith("staff-"):
            self._complain("scrolls sideways")
        target = OUTPUT / self.state / f"{name}-{self.width}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=target, full_page=name != "popover")
        return target

    def _open(self, name: str) -> None:
        opener = _OPENERS.get(name)
        if opener is None:
            self.goto(ADDRESSES[name])
        else:
            opener(self)

    def goto(self, address: str, expected: int = 200) -> None:
        """Open an address and check the answer's status."""
        response = self.page.goto(address)
        status = response.status if response else 0
        if status != expected:
            self._complain(f"{address} answered {status}")

    def _hear(self, message: ConsoleMessage) -> None:
        # The staff admin is Django's own and has no icon; that page is there to be refused.
        address = message.location.get("url", "")
        expected = address.endswith("/favicon.ico") or self._shown == "settings-errors"
        if message.type == "error" and not expected:
            self._complain(message.text)

    def _complain(self, text: str) -> None:
        self.complaints.append(f"{self.state}, {self._shown} at {self.width} px: {text}")

    def popover(self) -> None:
        """Home with the balance popover open."""
        self.goto("/dashboard/")
        self.page.locator("[data-balance-button]").first.click()

    def run(self, state: str, older: int = 0) -> None:
        """The newest run that ended in a state, or one that is so many older."""
        self.goto(f"/dashboard/gallery?layout=list&state={state}")
        self.page.locator("main table th a").nth(older).click()

    def settings_errors(self) -> None:
        """Settings after something was refused."""
        self.goto("/dashboard/settings")
        self.page.locator("main textarea").fill("not an address")
        self.page.locator("main form [type=submit]").first.click()
        self.page.locator("[aria-invalid=true]").first.wait_for()

    def period(self) -> None:
        """Usage of the newest billing period."""
        self.goto("/dashboard/usage")
        value = self.page.locator("option[value^=period]").first.get_attribute("value")
        self.goto(f"/dashboard/usage?span={value}")

    def instant(self) -> None:
        """The balance in the middle of a past month."""
        self.goto("/dashboard/usage")
        month = self.page.locator("#span option").nth(1).get_attribute("value")
        self.goto(f"/dashboard/usage/ledger?at={month}-15T12:00")

    def entry(self) -> None:
        """The newest restoration or spend of the ledger."""
        self.goto("/dashboard/usage/ledger")
        self.page.get_by_role("link", name="Restored", exact=True).or_(
            self.page.get_by_role("link", name="Used", exact=True)
        ).first.click()

    def sign_in_page(self) -> None:
        """The sign-in form, signed out."""
        self.page.context.clear_cookies()
        self.goto("/dashboard/sign-in/login/")

    def admin(self, path: str) -> None:
        """A page of the app inside the fake Shopify admin, once the app has drawn it."""
        self.goto(f"{self._shopify}/store/{DEMO_STORE}/apps/{CLIENT_ID}{path}")
        self.page.frame_locator("iframe").locator("main h1").wait_for()

    def staff(self, address: str) -> None:
        """A page of the staff admin, signing in first if need be."""
        if "/staff/" not in self.page.url:
            self.sign_in(STAFF)
        self.goto(address)


_OPENERS: dict[str, Callable[[Photographer], None]] = {
    "popover": Photographer.popover,
    "run": lambda photographer: photographer.run("succeeded"),
    # The story's failures, newest first.
    "failed-run": lambda photographer: photographer.run("failed"),
    "timed-out-run": lambda photographer: photographer.run("failed", 1),
    "declined-run": lambda photographer: photographer.run("failed", 2),
    "restored-run": lambda photographer: photographer.run("failed", 3),
    "cancelled-run": lambda photographer: photographer.run("cancelled"),
    "settings-errors": Photographer.settings_errors,
    "period": Photographer.period,
    "instant": Photographer.instant,
    "entry": Photographer.entry,
    "sign-in": Photographer.sign_in_page,
    "staff-start": lambda p: p.staff("/staff/"),
    "staff-account": lambda p: p.staff("/staff/accounts/1/"),
    "staff-change": lambda p: p.staff("/staff/credits/account/1/change/"),
    "staff-reports": lambda p: p.staff("/staff/reports/"),
    "staff-operations": lambda p: p.staff("/staff/operations/"),
    "staff-incident": lambda p: p.staff("/staff/incidents/new/"),
    "staff-search": lambda p: p.staff("/staff/search/?q=mug"),
    "staff-adjust": lambda p: p.staff("/staff/credits/account/1/adjust/"),
    "staff-cases": lambda p: p.staff("/staff/cases/"),
    "staff-default": lambda p: p.staff("/staff/credits/lowcreditdefault/1/change/"),
    "staff-record": lambda p: p.staff("/staff/credits/staffact/"),
    "staff-person": lambda p: p.staff("/staff/shopify_auth/person/1/change/"),
    "admin-home": lambda p: p.admin("/"),
    "admin-tools": lambda p: p.admin("/tools"),
    "admin-new-batch": lambda p: p.admin("/batches/new"),
    "admin-gallery": lambda p: p.admin("/gallery"),
    "admin-assist": lambda p: p.admin("/assist"),
    "admin-settings": lambda p: p.admin("/settings"),
    "admin-people": lambda p: p.admin("/settings/people"),
    "admin-tool": lambda p: p.admin("/tools/background-removal"),
    "admin-usage": lambda p: p.admin("/usage"),
    "admin-plans": lambda p: p.admin("/plans"),
    "staff-entries": lambda p: p.staff("/staff/credits/ledgerentry/?account__id__exact=1"),
}


def photograph_state(browser: Browser, studio: Studio) -> tuple[list[Path], list[str]]:
    """Every page of one state at every width; the pictures and the complaints."""
    pictures: list[Path] = []
    complaints: list[str] = []
    for width in WIDTHS:
        photographer = Photographer(browser, studio, width)
        photographer.sign_in(MERCHANT)
        pictures += [photographer.photograph(name) for name in STATES[studio.state]]
        complaints += photographer.complaints
        photographer.page.context.close()
    return pictures, complaints


def write_index(pictures: list[Path]) -> Path:
    """One page with all the pictures, state by state."""
    parts = ["<!DOCTYPE html><meta charset=utf-8><title>Screenshots</title>"]
    for state in dict.fromkeys(picture.parent.name for picture in pictures):
        parts.append(f"<h2>{html.escape(state)}</h2>")
        for picture in pictures:
            if picture.parent.name == state:
                address = html.escape(str(picture.relative_to(OUTPUT)))
                width = 640 if re.search(r"-1280\.png$", picture.name) else 195
                parts.append(
                    f'<figure style="display:inline-block;vertical-align:top">'
                    f'<a href="{address}"><img src="{address}" width="{width}" loading="lazy"></a>'
                    f"<figcaption>{html.escape(picture.stem)}</figcaption></figure>"
                )
    index = OUTPUT / "index.html"
    index.write_text("\n".join(parts))
    return index


def main(states: list[str]) -> int:
    """Photograph the states; 0 when nothing is to complain about."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("No Chromium here: install it (apt-get install chromium) or set CHROMIUM.")
    shutil.rmtree(OUTPUT, ignore_errors=True)
    pictures: list[Path] = []
    complaints: list[str] = []
    valkey = PrivateValkey()
    valkey.start()
    with tempfile.TemporaryDirectory(prefix="ecomvance-screenshots-") as folder:
        database = Path(folder) / "migrated.sqlite3"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, chromium_sandbox=os.geteuid() != 0
            )
            for state in states:
                studio = Studio(state, Path(folder) / state, valkey.url())
                studio.folder.mkdir()
                studio.prepare(database)
                with studio.running():
                    taken, found = photograph_state(browser, studio)
                pictures += taken
                complaints += found
                sys.stdout.write(f"{state}: {len(taken)} pictures\n")
            browser.close()
    valkey.stop()
    sys.stdout.write(f"\n{len(pictures)} pictures: {write_index(pictures)}\n")
    for complaint in complaints:
        sys.stdout.write(f"{complaint}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("states", nargs="*", metavar="STATE", help=", ".join(STATES))
    chosen = parser.parse_args().states or list(STATES)
    unknown = sorted(set(chosen) - set(STATES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(STATES)}")
    sys.exit(main(chosen))
