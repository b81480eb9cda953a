"""The product document, verbatim: its example scenarios and every line of its price tables."""

from __future__ import annotations

from typing import Any

import pytest

from credits import ledger, queries
from generations import catalog
from tests.credits.ledger.books import DAY, OPENED, open_harbor, open_loom

DETAILED_BREAKDOWN = """
ecomAI Suite
Background Removal | All | 20
Object Removal | 1K-2K | 30
Object Removal | 4K | 60
Image Enhance | All | 50
Description Generator | N/A | 20
ecomStage Suite
Product Placement | 1K-2K | 50
Product Placement | 4K | 100
AI Shadowing | 1K-2K | 50
AI Shadowing | 4K | 100
Style Cloning | 1K-2K | 50
Style Cloning | 4K | 100
Product Reels | 4 seconds | 400
Product Reels | 6 seconds | 600
Product Reels | 8 seconds | 800
ecomFit Suite
Product Try-On | 1K-2K | 50
Product Try-On | 4K | 100
Shoe Try-On | 1K-2K | 50
Shoe Try-On | 4K | 100
Model Try-On | 1K-2K | 50
Model Try-On | 4K | 100
Model Reels | 4 seconds | 400
Model Reels | 6 seconds | 600
Model Reels | 8 seconds | 800
ecomPro Suite
Nano Banana I2I | 1K-2K | 50
Nano Banana I2I | 4K | 100
Nano Banana T2I | 1K-2K | 50
Nano Banana T2I | 4K | 100
Veo 3.1 I2V | 4 seconds | 400
Veo 3.1 I2V | 6 seconds | 600
Veo 3.1 I2V | 8 seconds | 800
Veo 3.1 T2V | 4 seconds | 400
Veo 3.1 T2V | 6 seconds | 600
Veo 3.1 T2V | 8 seconds | 800
"""

QUICK_REFERENCE_CARD = """
Background Removal ........... 20 credits
Description Generator ........ 20 credits
Object Removal ............... 30 credits
Image Enhance ................ 50 credits
AI Shadowing (1K-2K) ......... 50 credits
Product Placement (1K-2K) .... 50 credits
Product Try-On (1K-2K) ....... 50 credits
Shoe Try-On (1K-2K) .......... 50 credits
Nano Banana I2I/T2I (1K-2K) .. 50 credits
Style Cloning (1K-2K) ........ 50 credits
AI Shadowing (4K) ............ 100 credits
Product Placement (4K) ....... 100 credits
Product Try-On (4K) .......... 100 credits
Shoe Try-On (4K) ............. 100 credits
Nano Banana I2I/T2I (4K) ..... 100 credits
Style Cloning (4K) ........... 100 credits
4-second video ............... 400 credits
6-second video ............... 600 credits
8-second video ............... 800 credits
"""

ANY_SIZE: list[dict[str, Any]] = [
    {},
    {"resolution": "1K"},
    {"resolution": "2K"},
    {"resolution": "4K"},
]
CHOICES: dict[str, list[dict[str, Any]]] = {
    "All": ANY_SIZE,
    "N/A": [{}],
    "1K-2K": [{"resolution": "1K"}, {"resolution": "2K"}],
    "4K": [{"resolution": "4K"}],
    **{f"{seconds} seconds": [{"seconds": seconds}] for seconds in (4, 6, 8)},
}


def breakdown_lines():
    suite = ""
    for line in DETAILED_BREAKDOWN.strip().splitlines():
        if line.endswith(" Suite"):
            suite = line.removesuffix(" Suite")
        else:
            tool, size, credits = line.split(" | ")
            yield pytest.param(suite, tool, size, int(credits), id=line)


def find_tool(name: str) -> tuple[str, catalog.Tool]:
    ((slug, tool),) = [(slug, tool) for slug, tool in catalog.TOOLS.items() if tool.name == name]
    return slug, tool


@pytest.mark.parametrize(("suite", "name", "size", "credits"), list(breakdown_lines()))
def test_the_detailed_breakdown(suite, name, size, credits):
    slug, tool = find_tool(name)

    assert tool.suite == suite
    for choice in CHOICES[size]:
        assert catalog.price(slug, **choice) == credits


def names_on_card(line: str) -> list[str]:
    name = line.partition(" (")[0].partition(" ..")[0]
    if name.endswith("I2I/T2I"):
        return [name.replace("I2I/T2I", end) for end in ("I2I", "T2I")]
    return [name]


@pytest.mark.parametrize("line", QUICK_REFERENCE_CARD.strip().splitlines())
def test_the_quick_reference_card(line):
    credits = int(line.removesuffix(" credits").rsplit(" ", 1)[1])
    if "-second video" in line:
        seconds = int(line[0])
        videos = [slug for slug, tool in catalog.TOOLS.items() if tool.output == "video"]
        assert len(videos) == 4
        assert {catalog.price(slug, seconds=seconds) for slug in videos} == {credits}
        return
    resolution = "4K" if "(4K)" in line else "1K"
    for name in names_on_card(line):
        slug, tool = find_tool(name)
        choice = {} if tool.output == "text" else {"resolution": resolution}
        assert catalog.price(slug, **choice) == credits


@pytest.mark.parametrize(
    ("slug", "choice"),
    [
        ("object-removal", {}),
        ("object-removal", {"resolution": "8K"}),
        ("product-reels", {"seconds": 5}),
        ("product-reels", {"resolution": "4K"}),
        ("product-placement", {"seconds": 4}),
        ("description-generator", {"resolution": "1K"}),
        ("background-removal", {"seconds": 4}),
        ("background-removal", {"resolution": "8K"}),
        ("no-such-tool", {"resolution": "1K"}),
    ],
)
def test_what_the_price_list_does_not_have(slug, choice):
    with pytest.raises(ValueError, match="no"):
        catalog.price(slug, **choice)


@pytest.mark.django_db
class TestExampleScenarios:
    def test_scenario_1_sufficient_plan_credits(self):
        shop = open_loom()
        ledger.add_package(shop.pk, 50, key="package", now=OPENED)
        assert queries.get_balance(shop.pk, now=OPENED).total == 150

        entry = ledger.spend(
            shop.pk, catalog.price("background-removal"), "run", "background-removal", now=OPENED
        )

        assert (entry.plan_delta, entry.package_delta) == (-20, 0)
        balance = queries.get_balance(shop.pk, now=OPENED)
        assert (balance.plan, balance.package, balance.total) == (80, 50, 130)

    def test_scenario_2_mixed_deduction(self):
        shop = open_loom()
        ledger.spend(shop.pk, 90, "before", now=OPENED)
        ledger.add_package(shop.pk, 50, key="package", now=OPENED)
        balance = queries.get_balance(shop.pk, now=OPENED)
        assert (balance.plan, balance.package, balance.total) == (10, 50, 60)

        entry = ledger.spend(
            shop.pk, catalog.price("image-enhance"), "run", "image-enhance", now=OPENED
        )

        assert (entry.plan_delta, entry.package_delta) == (-10, -40)
        balance = queries.get_balance(shop.pk, now=OPENED)
        assert (balance.plan, balance.package, balance.total) == (0, 10, 10)

    def test_scenario_3_package_only(self):
        shop = open_harbor()
        ledger.add_package(shop.pk, 100, key="package", now=OPENED)

        price = catalog.price("product-placement", resolution="1K")
        entry = ledger.spend(shop.pk, price, "run", "product-placement", now=OPENED)

        assert (entry.plan_delta, entry.package_delta) == (0, -50)
        balance = queries.get_balance(shop.pk, now=OPENED)
        assert (balance.plan, balance.package, balance.total) == (0, 50, 50)

    def test_total_insufficient(self):
        shop = open_loom()
        ledger.add_package(shop.pk, 50, key="package", now=OPENED)

        with pytest.raises(ledger.InsufficientCredits) as refused:
            ledger.spend(shop.pk, 400, "reel", "product-reels", now=OPENED)

        error = refused.value
        assert (error.needed, error.available, error.short_by) == (400, 150, 250)
        assert queries.get_balance(shop.pk, now=OPENED).total == 150

    def test_trial_totals_700_when_used_daily(self):
        shop = open_loom()

        for day in range(7):
            ledger.spend(shop.pk, 100, f"day-{day}", now=OPENED + day * DAY)

        with pytest.raises(ledger.InsufficientCredits):
            ledger.spend(shop.pk, 1, "day-7", now=OPENED + 7 * DAY)
