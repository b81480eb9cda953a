"""What an order costs and whether it can be started: checked before anything is decoded or charged.

A quote charges and stores nothing. `check` is the same for a quote, a run and the items of a batch.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import ledger, queries
from credits.refusals import Refusal
from ecomvance_app import clock
from generations import catalog, options
from generations.engines import routing
from generations.engines.base import Label
from generations.models import Generation
from generations.runs.orders import Order
from generations.runs.outages import health

MAX_PROMPT = 2000
# "About so many seconds" comes from the newest runs of the last days, once there are some.
MEASURED_OVER = timedelta(days=30)
_RUNS_MEASURED = (5, 50)
_MEASURED_KEPT_SECONDS = 300


class RunRefused(Refusal):
    """The run cannot be started. `field` names the wrong input."""


class PriceChanged(RunRefused):
    """The price is above what the merchant was shown."""

    def __init__(self, credits: int) -> None:
        sentence = _("The price is now %(credits)s credits. Nothing was charged.")
        super().__init__(
            sentence % {"credits": localize(credits)}, "price_changed", "max_credits", 409
        )
        self.credits = credits

    @property
    def details(self) -> dict[str, int | str]:
        return super().details | {"credits": self.credits}


class SplitChanged(RunRefused):
    """Other credits would pay than the merchant was shown: a period has ended meanwhile, say."""

    def __init__(self, plan: int, package: int) -> None:
        sentence = _(
            "Your credits have changed: now %(plan)s from plan and %(package)s from package would "
            "pay for this run. Nothing was charged. Press the button again to go on."
        )
        amounts = {"plan": localize(plan), "package": localize(package)}
        super().__init__(sentence % amounts, "split_changed", status=409)


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed when an order was checked: it stays with the run."""

    credits: int
    list_credits: int
    engine: str
    model: str
    label: Label
    options: dict[str, options.Value]


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost this account now.

    `plan` and `package` are the parts that would be taken; their sum is `credits`. `after` is what
    would be left, never below zero; `seconds_expected` about how long the run takes.
    """

    credits: int
    list_credits: int
    engine: str
    model: str
    label: Label
    plan: int
    package: int
    available: int
    after: int
    affordable: bool
    seconds_expected: float


def quote(account_id: int, order: Order, now: datetime | None = None) -> Quote:
    """The order's price with the parts that the account would pay; RunRefused as `check` does."""
    terms = check(order)
    balance = queries.get_balance(account_id, clock.now() if now is None else now)
    plan = min(terms.credits, balance.plan)
    return Quote(
        credits=terms.credits,
        list_credits=terms.list_credits,
        engine=terms.engine,
        model=terms.model,
        label=terms.label,
        plan=plan,
        package=terms.credits - plan,
        available=balance.total,
        after=max(0, balance.total - terms.credits),
        affordable=balance.total >= terms.credits,
        seconds_expected=expected_seconds(
            order.tool, terms.engine, order.resolution, order.seconds
        ),
    )


def expected_seconds(tool: str, engine: str, resolution: str, seconds: int | None) -> float:
    """About how long a run takes, waiting aside: the median of ours of late, else the engine's figure."""
    name = f"expected-seconds:{tool}:{engine}:{resolution}:{seconds}"
    known = cache.get(name)
    if known is None:
        measured = _measured(tool, engine, resolution, seconds)
        least, _most = _RUNS_MEASURED
        known = statistics.median(measured) if len(measured) >= least else 0.0
        cache.set(name, known, _MEASURED_KEPT_SECONDS)
    return known or routing.get_engine(tool, engine).expected_seconds(tool, resolution, seconds)


def _measured(tool: str, engine: str, resolution: str, seconds: int | None) -> list[float]:
    """How many seconds the newest delivered runs of this choice took."""
    runs = Generation.objects.filter(
        tool=tool, engine=engine, resolution=resolution, seconds=seconds,
        state=Generation.State.SUCCEEDED, created_at__gte=clock.now() - MEASURED_OVER,
    )  # fmt: skip
    times = runs.order_by("-created_at").values_list("started_at", "finished_at")
    took = [
        (ended - began).total_seconds()
        for began, ended in times[: _RUNS_MEASURED[1]]
        if began is not None and ended is not None
    ]
    return [one for one in took if one > 0]


def check_split(account_id: int, order: Order, promised_package: int) -> None:
    """Raise SplitChanged where package credits would pay another part than was promised.

    What cannot be started or paid at all is not this check's to say.
    """
    quoted = quote(account_id, order)
    if quoted.affordable and quoted.package != promised_package:
        raise SplitChanged(quoted.plan, quoted.package)


def price_now(variant: catalog.Variant, label: Label | None) -> int:
    """What a choice costs with what runs the tool now: a sandbox render costs nothing."""
    return 0 if label == "sandbox" else variant.credits


def check(order: Order) -> Terms:
    """The order's terms if it can be started now; RunRefused or OptionRefused otherwise."""
    try:
        variant = catalog.find_variant(
            order.tool, resolution=order.resolution or None, seconds=order.seconds
        )
    except ValueError as error:
        raise RunRefused(f"{error}.", "unknown_option", "tool") from error
    if catalog.TOOLS[order.tool].output == "chat":
        message = _("The assistant is asked on its own page and makes no runs.")
        raise RunRefused(message, "no_run", "tool")
    route = health.route(order.tool)
    if route.unavailable_reason or route.label is None:
        raise RunRefused(route.unavailable_reason or "", "tool_unavailable", "tool")
    tool = catalog.TOOLS[order.tool]
    chosen = order.chosen
    options.check_engine(tool.options, chosen, route.engine)
    check_prompt(order.text, tool)
    _check_pictures(tool, order.picture_count)
    _check_extra(tool, order)
    _check_data(tool, order)
    credits = price_now(variant, route.label)
    if order.max_credits is not None and credits > order.max_credits:
        raise PriceChanged(credits)
    return Terms(credits, variant.credits, route.engine, route.model, route.label, chosen)


def check_prompt(text: str, tool: catalog.Tool) -> None:
    """RunRefused for a prompt that is too long, no text, missing where the tool needs one, or not taken."""
    if len(text) > MAX_PROMPT:
        message = _("A prompt has at most %(most)s characters.") % {"most": localize(MAX_PROMPT)}
        raise RunRefused(message, "prompt_too_long", "prompt")
    if options.CONTROL.search(text):
        message = _("A prompt is plain text: letters, signs, new lines and tabs.")
        raise RunRefused(message, "invalid_prompt", "prompt")
    if tool.takes_prompt == "no" and text.strip():
        # What is paid for in the belief that it counts must count.
        message = _("%(tool)s takes no description. Leave it out.") % {"tool": tool.name}
        raise RunRefused(message, "prompt_not_taken", "prompt")
    if tool.takes_prompt == "required" and not text.strip():
        message = _("Say in the description what you want to see.")
        raise RunRefused(message, "no_prompt", "prompt")


def _check_pictures(tool: catalog.Tool, given: int) -> None:
    if given < tool.sources.min:
        raise RunRefused(_("Choose a product photo or upload an image."), "no_image", "image")
    if given > tool.max_images:
        message = ngettext(
            "%(tool)s takes at most %(most)s image, not %(given)s.",
            "%(tool)s takes at most %(most)s images, not %(given)s.",
            tool.max_images,
        )
        amounts = {"most": localize(tool.max_images), "given": localize(given)}
        raise RunRefused(message % (amounts | {"tool": tool.name}), "too_many_images", "image")


def _check_extra(tool: catalog.Tool, order: Order) -> None:
    """A mask and a reference are there where they are needed, and nowhere else."""
    sources = tool.sources
    if order.mask and not sources.mask:
        message = _("%(tool)s takes no mask.") % {"tool": tool.name}
        raise RunRefused(message, "mask_not_taken", "mask")
    if sources.mask_required and not order.mask:
        raise RunRefused(_("Mark what is meant in the image."), "no_mask", "mask")
    if order.reference and not sources.reference:
        message = _("%(tool)s takes no reference image.") % {"tool": tool.name}
        raise RunRefused(message, "reference_not_taken", "reference")
    if sources.reference_required and not order.reference:
        message = _("Choose a reference image.")
        raise RunRefused(message, "no_reference", "reference")


def _check_data(tool: catalog.Tool, order: Order) -> None:
    """A tool that writes about a product knows at least the product's name."""
    if not tool.sources.product_data or order.sources or order.product_title:
        return
    if not order.text.strip() and not str(order.chosen["product_title"]).strip():
        message = _("Choose a product from your store, or type its name and what is true of it.")
        raise RunRefused(message, "no_product_data", "prompt")


def check_affordable(account_id: int, price: int, now: datetime) -> None:
    """InsufficientCredits if the account cannot pay now; the ledger has the last word."""
    if not price:
        return
    available = queries.get_balance(account_id, now).total
    if price > available:
        raise ledger.InsufficientCredits(price, available)
