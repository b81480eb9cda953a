"""Merchants who order runs, and Shopify, which posts webhooks: the same again until they are answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import random
import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4

import jwt
import requests
from django.conf import settings
from PIL import Image, ImageDraw

from scripts.storming.product import HOST

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.3
GIVEN_UP_SECONDS = 120.0  # Nothing here is away for so long.
# The sentence that matters is the acknowledgement: from then on the product owes the run.
ORDERED = {200, 201}
TOPIC = "customers/data_request"


@dataclass(frozen=True)
class Store:
    """A store of the storm and its account."""

    domain: str
    account_id: int


@dataclass
class Promises:
    """What was acknowledged: the runs by account and key, and the webhooks by id."""

    runs: dict[tuple[int, str], set[str]] = field(default_factory=dict)
    webhooks: set[str] = field(default_factory=set)
    asked: set[tuple[int, str]] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


def photo(seed: int) -> bytes:
    """A product on a table, small so that an engine takes a second for it."""
    picture = Image.new("RGB", (320, 320), (236, 233, 228))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((70, 60, 250, 270), fill=(seed * 37 % 200, 60, 110))
    draw.rectangle((120, 30, 200, 90), fill=(40, seed * 53 % 200, 60))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=90)
    return content.getvalue()


class Load:
    """Clients in threads of their own, until `stop`; `promises` is what they were told."""

    def __init__(self, port: int, stores: list[Store], seed: int) -> None:
        self.promises = Promises()
        self._base = f"http://127.0.0.1:{port}"
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._order, args=(store, random.Random(f"{seed}-{number}")))  # noqa: S311
            for number, store in enumerate(stores)
        ]
        self._threads.append(
            threading.Thread(target=self._post_webhooks, args=(stores, random.Random(seed)))  # noqa: S311
        )

    def start(self) -> None:
        """Begin to order and to post."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Bring what was begun to its answer, then end."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def order(self, store: Store, key: str, content: bytes) -> str:
        """Ask for one run until it is acknowledged; its id."""
        self.promises.asked.add((store.account_id, key))
        given_up_at = time.monotonic() + GIVEN_UP_SECONDS
        while time.monotonic() < given_up_at:
            answer = self._try(
                "POST", "/api/v1/generations",
                headers={"Authorization": f"Bearer {_token(store)}", "Idempotency-Key": key},
                data={"tool": "background-removal"},
                files={"image": ("photo.jpg", content, "image/jpeg")},
            )  # fmt: skip
            if answer is not None and answer.status_code in ORDERED:
                run_id = str(answer.json()["id"])
                self.promises.runs.setdefault((store.account_id, key), set()).add(run_id)
                return run_id
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                self.promises.refused.append(f"{answer.status_code} {answer.text[:200]}")
                return ""
            time.sleep(PAUSE_SECONDS)
        self.promises.refused.append(f"Order {key} was not answered in {GIVEN_UP_SECONDS:.0f} s")
        return ""

    def post_webhook(self, store: Store) -> None:
        """Post one delivery until it is acknowledged, as Shopify does."""
        webhook_id = str(uuid4())
        body = json.dumps({"shop_id": 1, "shop_domain": store.domain}).encode()
        secret = settings.SHOPIFY_API_SECRET.encode()
        signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        headers = {
            "X-Shopify-Topic": TOPIC,
            "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Shop-Domain": store.domain,
            "X-Shopify-Hmac-Sha256": signature,
            "Content-Type": "application/json",
        }
        given_up_at = time.monotonic() + GIVEN_UP_SECONDS
        while time.monotonic() < given_up_at:
            answer = self._try("POST", "/webhooks/shopify", headers=headers, data=body)
            if answer is not None and answer.status_code == 200:
                self.promises.webhooks.add(webhook_id)
                return
            time.sleep(PAUSE_SECONDS)
        self.promises.refused.append(f"A webhook was not taken in {GIVEN_UP_SECONDS:.0f} s")

    def _order(self, store: Store, chance: random.Random) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            key, content = f"order-{number}", photo(number)
            self.order(store, key, content)
            if chance.random() < 0.3:  # A double click, or an answer that was lost on its way.
                self.order(store, key, content)
            self._is_over.wait(chance.uniform(0.5, 2.5))

    def _post_webhooks(self, stores: list[Store], chance: random.Random) -> None:
        while not self._is_over.is_set():
            self.post_webhook(chance.choice(stores))
            self._is_over.wait(chance.uniform(0.05, 0.5))

    def _try(
        self, method: str, path: str, headers: dict[str, str], **request: object
    ) -> requests.Response | None:
        proxied = {"Host": HOST, "X-Forwarded-Proto": "https"}
        try:
            return requests.request(
                method, f"{self._base}{path}", headers=headers | proxied,
                timeout=PATIENCE_SECONDS, **request,  # type: ignore[arg-type]
            )  # fmt: skip
        except requests.RequestException:
            return None


def _token(store: Store) -> str:
    now = int(time.time())
    claims = {
        "iss": f"https://{store.domain}/admin",
        "dest": f"https://{store.domain}",
        "aud": settings.SHOPIFY_API_KEY,
        "sub": "902541635",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": str(uuid4()),
        "sid": uuid4().hex,
    }
    return jwt.encode(claims, settings.SHOPIFY_API_SECRET, algorithm="HS256")
