"""An incident: previewed, made good once for ever, gone on with when interrupted, told in one line."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits import ledger
from credits.admin import server_keys
from credits.models import LedgerEntry
from credits.models.corrections import Incident, IncidentRun
from credits.outcomes import cases, incidents
from credits.staff_acts import StaffAct
from ecomvance_app.staff import incidents as pages
from generations.engines.base import ContentPolicyError, PlatformError, ProviderError
from generations.models import Generation
from shopify_auth.models import Person
from tests.credits.test_admin import staff_client
from tests.generations.engine import Engine
from tests.merchants import Merchant
from tests.staff.conftest import fail

pytestmark = pytest.mark.django_db
NEW = "/staff/incidents/new/"


def window(**changes: object) -> dict[str, object]:
    """The last hour, as the form sends it."""
    now = timezone.now()
    began, ended = now - timedelta(hours=1), now
    form = {
        "began_at_0": f"{began:%Y-%m-%d}", "began_at_1": f"{began:%H:%M:%S}",
        "ended_at_0": f"{ended:%Y-%m-%d}", "ended_at_1": f"{ended:%H:%M:%S.%f}",
        "outcomes": ["platform_error", "provider_error"], "words": "Our image service failed.",
        "key": server_keys.new_key(),
    }  # fmt: skip
    return form | changes


@pytest.fixture
def outage(owner: Merchant, second_shop: Merchant, engine: Engine) -> list[Generation]:
    """Two platform errors and a provider's of Olivia's, a provider's of Sam's, and a refusal by policy."""
    return [
        fail(owner, engine, PlatformError("Full.")),
        fail(owner, engine, PlatformError("Full.")),
        fail(owner, engine, ProviderError("Away.")),
        fail(second_shop, engine, ProviderError("Away.")),
        fail(second_shop, engine, ContentPolicyError("No.")),
    ]


def back(merchant: Merchant) -> list[tuple[str, int, int]]:
    entries = LedgerEntry.objects.filter(account=merchant.account, kind__in=["restore", "adjust"])
    return [(row.kind, row.plan_delta, row.package_delta) for row in entries.order_by("sequence")]


def test_a_preview_counts_and_writes_nothing(chief: Client, outage: list[Generation]) -> None:
    page = re.sub(r"\s+", " ", chief.post(NEW, window(preview="1")).text)

    assert "Runs: 4. Accounts: 2. Credits: 80." in page
    assert "Platform error</strong> runs: 2, credits: 40" in page
    assert "AI provider failure</strong> runs: 2, credits: 40" in page
    assert not Incident.objects.exists()


def test_platform_errors_are_restored_and_others_get_goodwill_once(
    chief: Client, owner: Merchant, second_shop: Merchant, outage: list[Generation]
) -> None:
    form = window(confirm="1")
    for _pressed_twice in range(2):
        assert chief.post(NEW, form).status_code == 302
    # The same window again, as another incident, finds nothing to do.
    chief.post(NEW, window(confirm="1"))

    assert back(owner) == [("restore", 20, 0), ("restore", 20, 0), ("adjust", 0, 20)]
    assert back(second_shop) == [("adjust", 0, 20)]
    assert cases.count_open(owner.account.pk) == 0
    first = Incident.objects.order_by("pk")[0]
    assert incidents.given(first) == incidents.Given(4, 80, 2)
    assert first.done_at is not None
    assert StaffAct.objects.filter(act="incident made good").count() == 2


def test_it_never_stands_beside_a_restoration(
    chief: Client, owner: Merchant, outage: list[Generation]
) -> None:
    sasha = Person.objects.get(name="Sasha")
    cases.approve(outage[0].spend.case, sasha, "By hand", timezone.now())
    cases.decline(outage[1].spend.case, sasha, "Was delivered", timezone.now())

    chief.post(NEW, window(confirm="1"))

    assert back(owner) == [("restore", 20, 0), ("adjust", 0, 20)]
    with pytest.raises(ledger.NothingToRestore):
        ledger.restore(outage[2].spend_id, key="r", actor="staff:1", reason="Too late")
    assert owner.total == 80


def test_tool_and_engine_narrow_it(chief: Client, outage: list[Generation]) -> None:
    Generation.objects.filter(pk=outage[3].pk).update(engine="google")

    assert "Runs: 1. Accounts: 1." in chief.post(NEW, window(engine="google")).text
    assert "No run of this window" in chief.post(NEW, window(tool="image-enhance")).text


def test_interrupted_it_goes_on_where_it_stopped(
    chief: Client, outage: list[Generation], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = iter([True, True])
    make_good = incidents.make_good

    def dies(*args: object) -> object:
        if next(done, False):
            return make_good(*args)
        raise SystemExit

    monkeypatch.setattr(incidents, "make_good", dies)
    with pytest.raises(SystemExit):
        chief.post(NEW, window(confirm="1"))
    assert IncidentRun.objects.count() == 2
    monkeypatch.setattr(incidents, "make_good", make_good)

    url = reverse("admin:staff_incident", args=[Incident.objects.get().pk])
    assert "Go on" in chief.get(url).text
    chief.post(url)

    assert IncidentRun.objects.count() == 4
    assert "Go on" not in chief.get(url).text


def test_a_slice_ends_in_time_and_the_page_says_that_there_is_more(
    chief: Client, outage: list[Generation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SECONDS_AT_ONCE", -1.0)

    page = chief.post(NEW, window(confirm="1"), follow=True).text

    assert "There is more to do" in page
    assert not IncidentRun.objects.exists()


def test_each_merchant_reads_one_line(
    chief: Client, owner: Merchant, second_shop: Merchant, outage: list[Generation]
) -> None:
    chief.post(NEW, window(confirm="1"))

    mine = re.sub(r"\s+", " ", owner.client.get("/dashboard/").text)
    assert mine.count("Our image service failed.") == 1
    assert "3 runs of yours were affected; 60 credits are back." in mine
    theirs = re.sub(r"\s+", " ", second_shop.client.get("/dashboard/").text)
    assert "1 run of yours was affected; 20 credits are back." in theirs


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ended_at_0": "2099-01-01"}, "not in the future"),
        ({"began_at_0": "2020-01-01"}, "a week long at most"),
        ({"outcomes": ["delivered"]}, "Select a valid choice"),
        ({"words": " "}, "This field is required"),
    ],
)
def test_windows_that_are_refused(
    chief: Client, outage: list[Generation], changes: dict[str, object], error: str
) -> None:
    assert error in chief.post(NEW, window(confirm="1", **changes)).text
    assert not Incident.objects.exists()


def test_it_takes_the_right(outage: list[Generation]) -> None:
    reader = staff_client("view_incident", "view_account")
    assert reader.post(NEW, window(confirm="1")).status_code == 403
    assert not Incident.objects.exists()
