"""Three months in the life of the demo store, told through the product's own actions.

The story begins where the business clock stands and moves it forward as it goes, so every entry has
the time it would have had; nothing is written behind the ledger's back. Cut-outs are real: each
photo is worked once by the engine, and a repeated run of it is given the same bytes, as the engine
would. Tools that do not run on this machine are spends without a run.
"""

from __future__ import annotations

import functools
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from credits import ledger, queries
from credits.models import Account
from credits.outcomes import cases
from credits.periods import local_day
from ecomvance_app import clock
from generations import catalog
from generations.engines import routing
from generations.engines.base import InputPicture, Job, Result, finished
from generations.media.reading import UploadedImage, read_picture
from generations.models import Generation
from generations.runs import lifecycle
from generations.runs.request import Order, Requester, place
from shopify_auth.devstore.catalogue import DemoPhoto, DemoProduct, demo_products
from shopify_auth.models import Person

CUT_OUT = "background-removal"
LIMIT_SECONDS = 300.0
HISTORY_DAYS = 92
# What a small store uses day by day, the more often named the more often used.
HABITS = (
    ("background-removal", None), ("background-removal", None), ("background-removal", None),
    ("description-generator", None), ("description-generator", None),
    ("image-enhance", None), ("image-enhance", None), ("product-placement", "2K"),
    ("product-placement", "4K"), ("ai-shadowing", "2K"), ("product-try-on", "2K"),
)  # fmt: skip


@dataclass(frozen=True)
class Cast:
    """Who is in the story."""

    account: Account
    owner: Person
    colleague: Person
    staff: Person


class Story:
    """Plays days into one account; `now` is where the business clock stands.

    `days` is how long its history is to be.
    """

    def __init__(self, cast: Cast, days: int = HISTORY_DAYS, seed: int = 7) -> None:
        self.cast = cast
        self.days = days
        self.now = clock.now()
        self._chance = random.Random(seed)  # noqa: S311 - a story, not a secret.
        self._told = cast.account.version

    @property
    def total(self) -> int:
        """What the account holds now."""
        return queries.get_balance(self.cast.account.pk, self.now).total

    def move(self, now: datetime) -> None:
        """Move the business clock of every process to `now`; it never goes back."""
        self.now = max(now, self.now)
        shift = (self.now - timezone.now()).total_seconds()
        clock.shift_file().write_text(str(shift))

    def wait(self, **duration: float) -> None:
        """Let some time pass."""
        self.move(self.now + timedelta(**duration))

    # --- Runs and spends -------------------------------------------------------------------------

    def cut_out(self, person: Person | None = None, outcome: str = "") -> Generation:
        """One run of background removal; `outcome` is how it fails, empty when it is delivered."""
        product, photo = self._photo()
        picture, result = _cut_out(photo.path.read_bytes())
        asked_by = person or self._person()
        requester = Requester(self.cast.account.pk, asked_by.pk, self._surface())
        order = Order(
            CUT_OUT,
            product_id=product.id,
            photo_id=photo.name,
            product_title=product.title,
            uploads=(picture,),
        )
        # One transaction, so that no worker sees the run before it has ended.
        with transaction.atomic():
            generation, _created = place(requester, order, self._key("run"), self.now)
            if outcome == "cancelled_in_queue":
                lifecycle.cancel(self.cast.account.pk, str(generation.pk), self.now)
                return generation
            started = lifecycle.start(str(generation.pk))
            if started is None:  # Nobody else can have it: it is not committed yet.
                raise RuntimeError(f"Run {generation.pk} was taken")
            self.wait(seconds=self._chance.randint(4, 20))
            if outcome:
                lifecycle.fail(started, outcome, _SENTENCES[outcome])
            else:
                lifecycle.succeed(started, result)
        return started

    def spend(self, tool: str, resolution: str | None = None, seconds: int | None = None) -> None:
        """Use a tool whose runs this machine does not make."""
        price = catalog.price(tool, resolution=resolution, seconds=seconds)
        self._spend(price, tool)

    def spend_down_to(self, left: int) -> None:
        """Use tools until exactly `left` credits remain, as prices allow."""
        images = [tool for tool in catalog.TOOLS.values() if tool.output == "image"]
        tool_of = {v.credits: tool.slug for tool in reversed(images) for v in tool.variants}
        prices = sorted(tool_of)
        smallest = prices[0]
        while (over := self.total - left) >= smallest:
            fitting = [price for price in prices if price == over or price <= over - smallest]
            self._spend(fitting[-1], tool_of[fitting[-1]])
            self.wait(minutes=1)

    def busy_day(self, most: int) -> None:
        """A day of work, from the morning on, as far as the credits go."""
        for _run in range(self._chance.randint(1, most)):
            tool, resolution = self._chance.choice(HABITS)
            if self.total < catalog.price(tool, resolution=resolution):
                return
            self.wait(minutes=self._chance.randint(5, 90))
            if tool == CUT_OUT and self._chance.random() < 0.5:
                self.cut_out()
            else:
                self.spend(tool, resolution)

    def document_day(self) -> None:
        """The day that the product document shows: 60 + 40 + 50 - 30 = 120."""
        for _n in range(3):
            self.cut_out(self.cast.owner)
            self.wait(minutes=20)
        for _n in range(2):
            self.spend("description-generator")
            self.wait(minutes=10)
        self.spend("image-enhance")
        self.adjust("plan", 30, "Goodwill: one result was blurred")

    def _spend(self, credits: int, tool: str) -> None:
        actor = f"user:{self._person().pk}"
        ledger.spend(
            self.cast.account.pk, credits, self._key("spend"), tool=tool, actor=actor, now=self.now
        )

    # --- Staff -----------------------------------------------------------------------------------

    def grant_plan(self, handle: str) -> None:
        """Staff grant a plan, which renews by itself in calendar months."""
        ledger.grant_plan(
            self.cast.account.pk, handle, anchor=self.now, key=self._key("plan"),
            actor=self._staff, reason="Early Access partner", now=self.now,
        )  # fmt: skip

    def buy_package(self, credits: int) -> None:
        """A package is bought."""
        ledger.add_package(self.cast.account.pk, credits, key=self._key("package"), now=self.now)

    def adjust(self, bucket: ledger.Bucket, credits: int, reason: str) -> None:
        """Staff adjust a balance."""
        ledger.adjust(
            self.cast.account.pk, bucket, credits, key=self._key("adjust"), actor=self._staff,
            reason=reason, now=self.now,
        )  # fmt: skip

    def decide(self, generation: Generation, *, approved: bool) -> None:
        """Staff decide the case of a run that failed."""
        case = cases.case_of(generation.spend_id)
        decide = cases.approve if approved else cases.decline
        reason = "Our storage was away" if approved else "The picture had been delivered"
        decide(case, self.cast.staff, reason, self.now)

    @property
    def _staff(self) -> str:
        return f"staff:{self.cast.staff.pk}"

    # --- Chance ----------------------------------------------------------------------------------

    def _key(self, what: str) -> str:
        self._told += 1
        return f"demo:{what}:{self._told}:{self.now.isoformat()}"

    def _person(self) -> Person:
        return self.cast.owner if self._chance.random() < 0.7 else self.cast.colleague

    def _surface(self) -> str:
        return "embedded" if self._chance.random() < 0.8 else "web"

    def _photo(self) -> tuple[DemoProduct, DemoPhoto]:
        product = self._chance.choice([p for p in demo_products() if self._is_there(p)])
        return product, product.photos[0]

    def _is_there(self, product: DemoProduct) -> bool:
        return bool(product.photos) and product.photos[0].path.is_file()


@functools.lru_cache(maxsize=32)
def _cut_out(photo: bytes) -> tuple[UploadedImage, Result]:
    """The clean copy of a photo and its cut-out; the same photo gives the same bytes."""
    picture = read_picture(photo)
    job = Job(
        tool=CUT_OUT,
        deadline=time.monotonic() + LIMIT_SECONDS,
        inputs=(InputPicture(picture.content, picture.media_type),),
    )
    return picture, finished(routing.get_engine(CUT_OUT, "local").run(job))


_SENTENCES = {
    "platform_error": "The result could not be stored.",
    "timeout": "The run took longer than it may and was stopped.",
}


def play_history(story: Story) -> None:
    """Seven days of trial, then a plan, a package, failures, corrections and quiet weekends."""
    mornings = [story.now + timedelta(days=day, hours=1) for day in range(story.days)]
    for day, morning in enumerate(mornings):
        story.move(morning)
        if day == 6:
            story.grant_plan("starter")
        if day == 40:
            story.buy_package(1500)
        if day == 55:
            _incident(story)
        if day == story.days - 1:
            _yesterdays_failure(story)
        elif day < story.days - 1:
            weekend = morning.weekday() >= 5
            story.busy_day(most=1 if weekend else 3 if day < 6 else 6)
    story.move(_on_one_day(mornings[-1] + timedelta(days=1), story.cast.account.time_zone))
    story.document_day()


def _on_one_day(begin: datetime, zone: str) -> datetime:
    """`begin`, or after the account's midnight where two hours from then on would not be one day."""
    end = begin + timedelta(hours=2)
    return begin if local_day(begin, zone) == local_day(end, zone) else end


def _incident(story: Story) -> None:
    """Storage was away for a while: three runs failed, two are restored, one is declined."""
    failed = [story.cut_out(outcome="platform_error") for _n in range(3)]
    story.cut_out(outcome="cancelled_in_queue")
    story.cut_out(outcome="timeout")
    story.wait(hours=5)
    for generation, approved in zip(failed, (True, True, False), strict=True):
        story.decide(generation, approved=approved)


def _yesterdays_failure(story: Story) -> None:
    """A failure whose case still waits for a decision."""
    story.cut_out(story.cast.owner)
    story.cut_out(story.cast.owner, outcome="platform_error")
