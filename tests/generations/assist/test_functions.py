"""The closed list of look-ups: it reads, it validates, and it knows one account alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry
from generations import products
from generations.assist import functions
from generations.assist.facts import Asker
from generations.models import Generation
from tests.generations.mug_store import OneMug, ask
from tests.merchants import Merchant, make_merchant

pytestmark = pytest.mark.django_db


class TwoStores(OneMug):
    """Sam's store has the mug; Olivia's has nothing."""

    sam = 0

    def list_products(self, account_id: int, search: str = "") -> Any:
        return super().list_products(account_id, search) if account_id == self.sam else []

    def get_product(self, account_id: int, product_id: str) -> Any:
        if account_id != self.sam:
            raise LookupError(product_id)
        return super().get_product(account_id, product_id)


@pytest.fixture
def sam(settings: Any) -> Iterator[Merchant]:
    """Sam with a run of a product of his, and a longer ledger than Olivia's."""
    settings.PRODUCT_SOURCE = "tests.generations.assist.test_functions.TwoStores"
    products._source.cache_clear()
    sam = make_merchant("Sam D'Örly")
    TwoStores.sam = sam.account.pk
    ledger.add_package(sam.account.pk, 777, "package")
    ask(sam.client)
    sam.account.refresh_from_db()
    yield sam
    products._source.cache_clear()


def look_up(merchant: Merchant, name: str, **arguments: Any) -> dict[str, Any]:
    asker = Asker(merchant.account, timezone.now())
    return functions.call(asker, name, arguments).reading.data


def arguments_with_sams_ids(sam: Merchant) -> dict[str, dict[str, Any]]:
    """Each function, with what of Sam's can stand in its arguments."""
    run = Generation.objects.get(account=sam.account)
    assert run.spend is not None
    return {
        "read_balance": {},
        "read_prices": {},
        "what_fits": {"credits": 1},
        "explain_charge": {"entry": run.spend.sequence, "run": str(run.pk)},
        "list_runs": {"limit": 10},
        "read_usage": {"days": 92},
        "list_plans": {},
        "list_products": {"search": "mug"},
        "saving_advice": {},
        "search_help": {"search": "mug"},
        "propose_run": {"tool": "background-removal", "product_ids": [OneMug.mug.id]},
    }


def test_another_accounts_ids_find_nothing(owner: Merchant, sam: Merchant) -> None:
    run = Generation.objects.get(account=sam.account)
    given = arguments_with_sams_ids(sam)
    assert given.keys() == functions.FUNCTIONS.keys() | {functions.PROPOSE}
    for name, arguments in given.items():
        found = repr(look_up(owner, name, **arguments))
        for theirs in (str(run.pk), "Enamel mug", "777", "Örly"):
            assert theirs not in found, name


def test_the_owner_finds_the_same_things(sam: Merchant) -> None:
    """So that nothing found above means something."""
    run = Generation.objects.get(account=sam.account)
    given = arguments_with_sams_ids(sam)
    assert look_up(sam, "explain_charge", run=str(run.pk))["run"] == str(run.pk)
    assert look_up(sam, "explain_charge", entry=given["explain_charge"]["entry"])["found"]
    assert look_up(sam, "list_runs")["runs"][0]["run"] == str(run.pk)
    assert look_up(sam, "list_products")["products"][0]["title"] == "Enamel mug"
    assert look_up(sam, "read_balance")["package"] == 777
    assert look_up(sam, "propose_run", **given["propose_run"])["shown"] is True


@pytest.mark.parametrize("name", [*functions.FUNCTIONS, functions.PROPOSE])
@pytest.mark.parametrize(
    "bad",
    [
        {"account": 1},
        {"account_id": 1},
        {"tool": 5},
        {"credits": -1, "days": 0, "limit": 99},
        {"search": "x" * 201, "run": "x" * 37, "prompt": "x" * 2001},
        {"entry": "1; DROP TABLE", "options": []},
    ],
)
def test_arguments_are_validated(owner: Merchant, name: str, bad: dict[str, Any]) -> None:
    data = look_up(owner, name, **bad)
    assert data.keys() == {"error"}
    assert "Arguments that do not fit" in data["error"]


@pytest.mark.parametrize("name", ["", "spend", "__init__", "read_balance ", "drop_table"])
def test_the_list_is_closed(owner: Merchant, name: str) -> None:
    assert look_up(owner, name) == {"error": "There is no such function."}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"tool": "nothing"}, "nothing"),
        ({"tool": "chat-assistant"}, "no runs"),
        ({"tool": "nano-banana-t2i", "resolution": "1K"}, "Say in the description"),
        ({"tool": "background-removal"}, "Choose a product photo"),
        ({"tool": "background-removal", "product_ids": ["gid://shopify/Product/9"]}, "no longer"),
        ({"tool": "veo-t2v", "seconds": 4, "prompt": "x", "options": {"a": 1}}, "no option"),
        (
            {"tool": "description-generator", "options": {"product_title": "Gold ring"}},
            "by the merchant alone",
        ),
    ],
)
def test_what_could_not_be_started_is_not_proposed(
    owner: Merchant, sam: Merchant, given: dict[str, Any], reason: str
) -> None:
    asker = Asker(owner.account, timezone.now())
    answer = functions.call(asker, functions.PROPOSE, given)
    assert answer.draft is None
    assert reason in answer.reading.data["error"]


def test_nothing_is_written_by_any_of_them(sam: Merchant) -> None:
    before = (LedgerEntry.objects.count(), Generation.objects.count(), sam.total)
    for name, arguments in arguments_with_sams_ids(sam).items():
        assert "error" not in look_up(sam, name, **arguments), name
    assert (LedgerEntry.objects.count(), Generation.objects.count(), sam.total) == before


@pytest.mark.parametrize("run", ["", "x", "12", "5f0c1ad2-6c3e-4b57-9a41-0d7a51c2e9f4"])
def test_a_charge_that_is_not_there_is_said_so(owner: Merchant, run: str) -> None:
    assert look_up(owner, "explain_charge", run=run, credits=12345) == {"found": False}
