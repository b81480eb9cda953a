"""Load, storm, calm, verdict: exit 0 when every promise was kept, else 1 and a line for each fault."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import django

from scripts.storming.product import Product

if TYPE_CHECKING:
    from scripts.storming.load import Load, Store
    from scripts.storming.weather import Weather

BEGUN = time.monotonic()
STORES = 3
CREDITS = 1_000_000
NO_TOKEN = "of-no-store"  # noqa: S105 - no Shopify is asked in the storm.
STARTED_WITHIN_SECONDS = 60
CALM_SECONDS = 240
WORKERS_WITHIN_SECONDS = 45


def main() -> int:
    """Run one storm as the command line asks."""
    parser = argparse.ArgumentParser(prog="scripts/storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long it lasts (120)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same again")
    parser.add_argument("--hurry", action="store_true", help="let time-outs pass sooner afterwards")
    options = parser.parse_args()
    say(f"Seed {options.seed}, {options.seconds:.0f} s")
    folder = Path(tempfile.mkdtemp(prefix="ecomvance-storm-"))
    product = Product(folder)
    found = ["The storm itself did not come to its end"]
    try:
        product.prepare()
        django.setup()
        found = storm(product, options.seconds, options.seed, hurry=options.hurry)
    finally:
        product.stop()
        if found or any(service.unexpected for service in product.services):
            say(f"Logs and files are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for fault in found:
        say(f"BROKEN  {fault}")
    return 1 if found else 0


def storm(product: Product, seconds: float, seed: int, *, hurry: bool) -> list[str]:
    """The faults that are left after it."""
    from scripts.storming import verdict  # noqa: PLC0415  Django is set up by now.
    from scripts.storming.load import Load  # noqa: PLC0415
    from scripts.storming.weather import Weather  # noqa: PLC0415

    stores = open_stores()
    say("The database is ready")
    product.start()
    load, weather = Load(product.port, stores, seed), Weather(product, seed)
    # Everything has to work before it is struck, and once more afterwards.
    work_once(load, stores, "before")
    verdict.close()
    say("The product works; now the storm")
    load.start()
    weather.rage(seconds)
    say("The storm is over")
    began = time.monotonic()
    load.stop()
    work_once(load, stores, "after")
    settled = verdict.settle(CALM_SECONDS, hurry=hurry)
    calm = time.monotonic() - began
    found = [] if settled else [f"{verdict.unfinished()} are unfinished after {CALM_SECONDS} s"]
    found += verdict.missing_workers(WORKERS_WITHIN_SECONDS)
    found += verdict.faults(load.promises, product.files)
    report(product, load, weather, calm)
    verdict.close()
    return found


def open_stores() -> list[Store]:
    """Stores that have the app and credits enough."""
    from django.core.management import call_command  # noqa: PLC0415  Django is set up by now.
    from django.utils import timezone  # noqa: PLC0415

    from credits import ledger  # noqa: PLC0415
    from scripts.storming.load import Store  # noqa: PLC0415
    from shopify_auth.models import OfflineToken, Shop  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    stores = []
    for number in range(1, STORES + 1):
        domain = f"storm-{number}.myshopify.com"
        account = ledger.open_account(domain)
        ledger.add_package(account.pk, CREDITS, key="package")
        shop = Shop.objects.create(
            domain=domain, shopify_id=str(number), account=account, installed_at=timezone.now()
        )
        OfflineToken.objects.create(
            shop=shop, state=OfflineToken.State.ACTIVE, access_token=NO_TOKEN
        )
        stores.append(Store(domain, account.pk))
    return stores


def work_once(load: Load, stores: list[Store], key: str) -> None:
    """One order and one webhook of each store, answered."""
    from scripts.storming.load import photo  # noqa: PLC0415  Django is set up by now.

    for number, store in enumerate(stores):
        load.order(store, key, photo(number))
        load.post_webhook(store)


def report(product: Product, load: Load, weather: Weather, calm: float) -> None:
    """What happened, for people to read."""
    from generations.models import Generation  # noqa: PLC0415  Django is set up by now.

    promises = load.promises
    states = {
        state: Generation.objects.filter(state=state).count()
        for state in ("succeeded", "failed", "cancelled", "queued", "running")
    }
    say(f"{weather.blows.total()} blows: {dict(sorted(weather.blows.items()))}")
    say(f"{len(promises.runs)} runs and {len(promises.webhooks)} webhooks were acknowledged")
    say(f"Runs: {states}; all done {calm:.0f} s after the last blow")
    for service in product.services:
        if service.unexpected:
            say(f"{service.name} ended by itself with {service.unexpected} and was restarted")


def say(line: str) -> None:
    """A line at once, also into a pipe."""
    sys.stdout.write(f"{time.monotonic() - BEGUN:6.1f} s  {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
