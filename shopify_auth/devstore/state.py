"""What the fake Shopify remembers: one JSON file, one lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

ALWAYS = -1


class TokenKind(StrEnum):
    """What an access token is good for."""

    OFFLINE = "offline"
    EXPIRING = "expiring"
    ONLINE = "online"


class Token(BaseModel):
    """An access token and, for the expiring kind, the refresh token issued with it.

    Times are seconds of real time: tokens never follow the business clock.
    """

    kind: TokenKind
    access_token: str
    scope: str
    expires_at: float | None = None
    refresh_token: str = ""
    refresh_expires_at: float = 0
    used: bool = False
    replaced_by: str = ""
    first_replaced_at: float = 0


class ChargeKind(StrEnum):
    """The two kinds of charge, named as in their global ids."""

    SUBSCRIPTION = "AppSubscription"
    ONE_TIME = "AppPurchaseOneTime"


class ChargeStatus(StrEnum):
    """Where a charge stands. FROZEN and CANCELLED exist for subscriptions only."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    FROZEN = "FROZEN"
    CANCELLED = "CANCELLED"


class Charge(BaseModel):
    """A subscription or a one-time purchase. Times follow the business clock."""

    number: int
    kind: ChargeKind
    name: str
    price: Decimal
    currency: str
    test: bool
    return_url: str
    created_at: datetime
    updated_at: datetime
    signature: str
    status: ChargeStatus = ChargeStatus.PENDING
    trial_days: int = 0
    replacement: str = "STANDARD"
    approved: bool = False
    starts_at: datetime | None = None
    period_end: datetime | None = None

    @property
    def gid(self) -> str:
        """The charge's global id."""
        return f"gid://shopify/{self.kind}/{self.number}"


class Media(BaseModel):
    """A picture or video that was added to a product, kept as a file by the fake."""

    gid: str
    content_type: str
    alt: str
    file_name: str
    mime_type: str
    width: int = 0
    height: int = 0
    duration: int = 0
    error: str = ""
    ready_at: float = 0


class ProductChanges(BaseModel):
    """What the app changed about a demo product."""

    description_html: str | None = None
    added_media: list[Media] = Field(default_factory=list)


class StagedUpload(BaseModel):
    """A place that was handed out for one file, by its random name."""

    name: str
    file_name: str
    mime_type: str
    size: int | None
    received: bool = False


class Misbehaviour(BaseModel):
    """How many of the next matching events go wrong; ALWAYS until switched off, 0 for none."""

    slow: int = 0
    server_error: int = 0
    too_many_requests: int = 0
    throttled: int = 0
    frozen_store: int = 0
    locked_store: int = 0
    address_not_allowed: int = 0
    non_expiring_refused: int = 0
    refresh_520_before: int = 0
    refresh_520_after: int = 0
    expiry_left_out: int = 0
    exchange_refused: int = 0
    client_refused: int = 0
    webhook_lost: int = 0
    webhook_twice: int = 0
    webhook_late: int = 0
    webhook_reordered: int = 0
    webhook_forged: int = 0
    period_end_hidden: int = 0
    payment_stays_pending: int = 0
    renewal_unpaid: int = 0
    decline_returns_to_app: int = 0


class Shop(BaseModel):
    """A store with its installation of the app."""

    handle: str
    number: int
    name: str
    email: str
    owner: str
    staff_id: str
    # Who works in the store without owning its account; everybody else is the owner.
    other_staff_ids: list[str] = ["902541700"]
    other_staff_name: str = "Robin Berg"
    country: str
    country_name: str
    currency: str
    time_zone: str
    plan: str
    partner_development: bool
    has_products: bool
    installed: bool = True
    installation: int = 1
    scopes: list[str] = Field(default_factory=list)
    uninstalled_at: datetime | None = None
    redaction_sent: bool = False
    authorization_code: str = ""
    paid_until: datetime | None = None
    tokens: list[Token] = Field(default_factory=list)
    online_tokens: list[Token] = Field(default_factory=list)
    charges: list[Charge] = Field(default_factory=list)
    products: dict[str, ProductChanges] = Field(default_factory=dict)
    uploads: list[StagedUpload] = Field(default_factory=list)
    misbehaviour: Misbehaviour = Field(default_factory=Misbehaviour)

    @property
    def domain(self) -> str:
        """The permanent domain."""
        return f"{self.handle}.myshopify.com"

    @property
    def gid(self) -> str:
        """The shop's global id."""
        return f"gid://shopify/Shop/{self.number}"

    def takes(self, name: str) -> bool:
        """Whether the misbehaviour `name` is due now; a counted one is used up by asking."""
        left = int(getattr(self.misbehaviour, name))
        if left > 0:
            setattr(self.misbehaviour, name, left - 1)
        return left != 0


class DeliveryStatus(StrEnum):
    """Where a webhook delivery stands."""

    WAITING = "waiting"
    HELD = "held back"
    DELIVERED = "delivered"
    FAILED = "failed"
    LOST = "lost"


class Delivery(BaseModel):
    """One webhook on its way to the app. `due_at` is real time, `triggered_at` business time."""

    webhook_id: str
    event_id: str
    topic: str
    shop_domain: str
    body: str
    triggered_at: datetime
    due_at: float
    copies: int = 1
    forged: bool = False
    attempts: int = 0
    answers: list[str] = Field(default_factory=list)
    status: DeliveryStatus = DeliveryStatus.WAITING


class State(BaseModel):
    """Everything. `next_number` feeds the ids of charges, products' media and installations."""

    next_number: int = 1_029_266_948
    shops: dict[str, Shop] = Field(default_factory=dict)
    deliveries: list[Delivery] = Field(default_factory=list)

    def take_number(self) -> int:
        """A number that no other object has."""
        self.next_number += 1
        return self.next_number


def first_state(scopes: list[str]) -> State:
    """Two stores that have the app installed: the demo store and a stranger to it."""
    shops = [
        Shop(
            handle="ecomvance-demo",
            number=548_380_009,
            name="ecomVance Demo",
            email="owner@ecomvance-demo.example",
            owner="Dana Demo",
            staff_id="902541635",
            country="US",
            country_name="United States",
            currency="USD",
            time_zone="America/New_York",
            plan="Development",
            partner_development=True,
            has_products=True,
        ),
        Shop(
            handle="second-demo",
            number=548_380_010,
            name="Second Demo",
            email="owner@second-demo.example",
            owner="Sam Second",
            staff_id="902541636",
            country="DE",
            country_name="Germany",
            currency="USD",
            time_zone="Europe/Berlin",
            plan="Basic",
            partner_development=False,
            has_products=False,
        ),
    ]
    for shop in shops:
        shop.scopes = list(scopes)
    return State(shops={shop.handle: shop for shop in shops})


class Store:
    """The state behind its lock. Never hold it over a request to somebody else."""

    def __init__(self, path: Path, scopes: list[str]) -> None:
        self.path = path
        self.scopes = scopes
        self._lock = threading.Lock()
        self._state = self._load()

    @contextmanager
    def change(self) -> Iterator[State]:
        """The state, written to the file when the block ends; an exception undoes the block."""
        with self._lock:
            before = self._state.model_copy(deep=True)
            try:
                yield self._state
            except BaseException:
                self._state = before
                raise
            if self._state != before:
                self._save()

    def copy(self) -> State:
        """A private copy of the state, to read at leisure."""
        with self._lock:
            return self._state.model_copy(deep=True)

    def reset(self) -> None:
        """Start again as on the first day."""
        with self._lock:
            self._state = first_state(self.scopes)
            self._save()

    @property
    def _draft(self) -> Path:
        return self.path.with_suffix(".new")

    def _load(self) -> State:
        # Without the file the draft is complete: see _save.
        for path in (self.path, self._draft):
            if path.exists():
                return State.model_validate_json(path.read_text())
        return first_state(self.scopes)

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._draft.write_text(self._state.model_dump_json(indent=1))
        # A file that takes another's place waits for a busy disk, and the app for this answer.
        self.path.unlink(missing_ok=True)
        self._draft.rename(self.path)
