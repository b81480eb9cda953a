"""`scripts/bench live`: how soon do both places show what an account has spent?

One uvicorn with the settings of production and one account behind a store. Two streams are open: the
web dashboard's by a ticket, the admin's by a session token. Credits are spent in another process, at an
uneven pace; measured is the time from the commit to the event that carries it.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scripts.measuring.database import benchmark_database
from scripts.measuring.web import PRODUCTION, WebServer, web_server
from scripts.servers.valkey import PrivateValkey

if TYPE_CHECKING:
    from django.test import Client

SPENDS = int(os.environ.get("BENCH_SPENDS", "400"))
SHOP = "olivias-mugs.myshopify.com"
STAFF = "902541635"
PROMISED_MS = 300


def main() -> None:
    """Print the table."""
    valkey = PrivateValkey()
    valkey.start()
    os.environ |= {"REDIS_URL": valkey.url(), "CELERY_BROKER_URL": valkey.url()}
    os.environ |= {"LOG_LEVEL": "CRITICAL"} | PRODUCTION
    with benchmark_database() as database:
        from scripts.measuring.merchants import (  # noqa: PLC0415  Django has to be set up first.
            make_merchant,
        )

        client = make_merchant(10)
        account_id = _open_store()
        with web_server(database) as server:
            listeners = {"web": _on_the_web(server, client), "admin": _in_the_admin(server)}
            committed = _spend(account_id)
            time.sleep(2)
            _report(listeners, committed)
    valkey.stop()


def _open_store() -> int:
    """The merchant's account becomes a store's, whose owner is known."""
    from django.utils import timezone  # noqa: PLC0415

    from credits import ledger  # noqa: PLC0415
    from credits.models import Account  # noqa: PLC0415
    from shopify_auth.models import OfflineToken, Person, Shop, ShopStaff  # noqa: PLC0415

    account = Account.objects.get()
    ledger.add_package(account.pk, 1_000_000, key="for the benchmark")
    now = timezone.now()
    shop = Shop.objects.create(
        domain=SHOP, shopify_id="1", account=account, installed_at=now, name="Olivia's mugs"
    )
    OfflineToken.objects.create(shop=shop, state=OfflineToken.State.ACTIVE, refreshed_at=now)
    person = Person.objects.create(name="Olivia")
    ShopStaff.objects.create(
        shop=shop, shopify_user_id=STAFF, person=person, is_account_owner=True, asked_at=now
    )
    return int(account.pk)


# --- The two places ------------------------------------------------------------------------------


class Listener:
    """An open stream, and when each version of the balance was first known through it."""

    def __init__(self, server: WebServer, path: str, headers: dict[str, str]) -> None:
        self.known: dict[int, float] = {}
        address = urlsplit(server.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        secure = {"X-Forwarded-Proto": "https", "Host": f"localhost:{address.port}"}
        connection.request("GET", path, headers=headers | secure)
        self._response = connection.getresponse()
        if self._response.status != http.client.OK:
            raise SystemExit(f"{path} answered {self._response.status}.")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        event = ""
        while line := self._response.readline().decode().strip("\r\n") or " ":
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: ") and event == "balance":
                version = json.loads(line.removeprefix("data: "))["version"]
                self.known.setdefault(version, time.monotonic())

    def heard(self, version: int) -> float:
        """When this version, or one that holds it, was there."""
        return min((at for known, at in self.known.items() if known >= version), default=0.0)


def _on_the_web(server: WebServer, client: Client) -> Listener:
    answer: Any = client.post("/dashboard/live", secure=True)
    return Listener(server, f"/events?ticket={answer.json()['ticket']}", {})


def _in_the_admin(server: WebServer) -> Listener:
    import jwt  # noqa: PLC0415

    now = int(time.time())
    claims = {
        "iss": f"https://{SHOP}/admin", "dest": f"https://{SHOP}", "sub": STAFF,
        "aud": PRODUCTION["SHOPIFY_API_KEY"], "exp": now + 60, "nbf": now, "iat": now,
        "jti": "1", "sid": "1",
    }  # fmt: skip
    token = jwt.encode(claims, PRODUCTION["SHOPIFY_API_SECRET"], algorithm="HS256")
    return Listener(server, "/events", {"Authorization": f"Bearer {token}"})


# --- Spending and telling ------------------------------------------------------------------------


def _spend(account_id: int) -> dict[int, float]:
    """When each version was committed."""
    from credits import ledger  # noqa: PLC0415

    committed: dict[int, float] = {}
    pace = random.Random(15)  # noqa: S311  A pace, no secret.
    for number in range(SPENDS):
        entry = ledger.spend(account_id, 1, key=f"live {number}", tool="image-enhance")
        committed[entry.sequence] = time.monotonic()
        time.sleep(pace.uniform(0.0, 0.1))
    return committed


def _report(listeners: dict[str, Listener], committed: dict[int, float]) -> None:
    sys.stdout.write(f"{'place':8}{'spends':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}\n")
    for name, listener in listeners.items():
        late = sorted(
            max(0.0, listener.heard(version) - at) * 1000 for version, at in committed.items()
        )
        missed = sum(not listener.heard(version) for version in committed)
        if missed:
            raise SystemExit(f"{missed} spends were never told: {name}.")
        p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
        row = f"{name:8}{len(late):>8}{p50:>9.0f}{p99:>9.0f}{late[-1]:>9.0f}\n"
        sys.stdout.write(row)
    sys.stdout.write(f"Promised: p99 within {PROMISED_MS} ms in both places.\n")


if __name__ == "__main__":
    main()
