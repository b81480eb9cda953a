"""Who of the staff may do what: the table, the groups in the database, the page of docs, and the doors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.models import OutcomeRule, Package, Plan
from credits.models.corrections import Correction
from credits.staff_acts import StaffAct
from ecomvance_app.staff.rights import ACTS, GROUPS, permissions_of
from generations.models import (
    EngineRoute,
    EngineSwitch,
    Generation,
    LimitSetting,
    ProblemReport,
    UsagePrice,
)
from shopify_auth.models import Purchase, Shop
from tests.credits.test_admin import staff_client
from tests.merchants import Merchant, make_person, open_store

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "staff.md"


def member(group: str) -> Client:
    """A colleague whose only rights are the group's."""
    person = make_person(f"Member of {group}")
    person.is_staff = True
    person.save()
    person.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(person)
    return client


def test_the_migration_made_the_groups_of_the_table() -> None:
    for group in GROUPS:
        rows = Permission.objects.filter(group__name=group).select_related("content_type")
        assert {f"{row.content_type.app_label}.{row.codename}" for row in rows} == permissions_of(
            group
        )


def test_the_page_shows_the_same_table() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| (yes|no) \| (yes|no) \| (yes|no) \|$", DOCS.read_text(), re.MULTILINE
    )

    assert [row[0] for row in rows] == [act.name for act in ACTS]
    for row, act in zip(rows, ACTS, strict=True):
        assert [answer == "yes" for answer in row[1:]] == [group in act.groups for group in GROUPS]


@dataclass
class Doors:
    """One address for each act."""

    owner: Merchant
    run: Generation

    def open(self, act: str, client: Client) -> int:
        """What the server answers to whoever tries the act."""
        account = [self.owner.account.pk]
        shop = Shop.objects.get(domain="compared.myshopify.com")
        gets = {
            "Search": ("staff_search", []),
            "Adjust": ("credits_account_adjust", account),
            "Decide": ("credits_restorationcase_decide", [self.run.spend.case.pk]),
            "Grant": ("credits_account_grant", account),
            "Be the second": ("credits_correction_decide", [self._correction()]),
            "Take": ("shopify_auth_purchase_claw_back", [self._purchase(shop)]),
        }
        for words, (name, args) in gets.items():
            if act.startswith(words):
                return client.get(reverse(f"admin:{name}", args=args)).status_code
        posts = {
            "Close problem": ("staff_report_close", [self._report()]),
            "Write notes": ("staff_note", account),
            "Change plans": ("credits_plan_change", [Plan.objects.first().pk]),
            "Change provider": ("generations_usageprice_change", [self._price()]),
            "Change the outcome": ("credits_outcomerule_change", [OutcomeRule.objects.first().pk]),
            "Switch engines": ("generations_engineswitch_change", [self._switch()]),
            "Name the engines": ("generations_engineroute_change", [self._route()]),
            "Set limits": ("generations_limitsetting_change", [self._limit()]),
            "Change people": ("shopify_auth_person_change", [self.owner.person.pk]),
        }
        for words, (name, args) in posts.items():
            if act.startswith(words):
                return client.post(reverse(f"admin:{name}", args=args), {}).status_code
        actions = {"Replay": ("webhookdelivery", "replay"), "Compare": ("purchase", "compare")}
        for words, (model, action) in actions.items():
            if act.startswith(words):
                page = client.get(f"/staff/shopify_auth/{model}/").text
                return 200 if f'value="{action}"' in page else 403
        if act == "See as merchant":
            url = reverse("admin:staff_see_as", args=account)
            return client.post(url).status_code
        assert act == "Make an incident good"
        return client.get(reverse("admin:staff_incident_new")).status_code

    def _correction(self) -> int:
        return Correction.objects.create(
            account=self.owner.account, kind="adjust", code="test", bucket="plan", credits=1,
            key=f"k{Correction.objects.count()}", asked_by=0, asked_at=timezone.now(),
        ).pk  # fmt: skip

    def _purchase(self, shop: Shop) -> int:
        return Purchase.objects.create(
            shop=shop, name="Small", handle="small", credits=1, price=1, created_at=timezone.now()
        ).pk

    def _report(self) -> int:
        return ProblemReport.objects.get_or_create(
            account=self.owner.account, generation=self.run, closed_at=None,
            defaults={"reported_at": timezone.now()},
        )[0].pk  # fmt: skip

    def _price(self) -> int:
        return UsagePrice.objects.get_or_create(
            engine="e", model="m", unit="u",
            defaults={"micro_usd": 1, "as_of": timezone.now().date()},
        )[0].pk  # fmt: skip

    def _route(self) -> int:
        return EngineRoute.objects.get_or_create(tool="image-enhance", engine="local")[0].pk

    def _limit(self) -> int:
        return LimitSetting.objects.get_or_create(name="free_runs", value=20)[0].pk

    def _switch(self) -> int:
        return EngineSwitch.objects.get_or_create(engine="e")[0].pk


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_does_what_the_table_says_and_nothing_else(
    owner: Merchant, failed_run: Generation, group: str
) -> None:
    client, doors = member(group), Doors(owner, failed_run)
    open_store("compared.myshopify.com")

    answers = {act.name: doors.open(act.name, client) != 403 for act in ACTS}

    assert answers == {act.name: group in act.groups for act in ACTS}


def test_packages_are_held_like_plans(owner: Merchant) -> None:
    page = reverse("admin:credits_package_change", args=[Package.objects.first().pk])

    assert member("support").post(page, {}).status_code == 403
    assert member("finance").post(page, {}).status_code == 200


def test_the_record_names_who_did_what_to_which_account(owner: Merchant) -> None:
    client = member("finance")
    client.post(reverse("admin:staff_note", args=[owner.account.pk]), {"text": "Called"})
    StaffAct.objects.create(
        at=timezone.now(), staff_id=987_654, act="changed", subject="credits.gone", subject_id="5"
    )

    page = client.get(reverse("admin:credits_staffact_changelist")).text

    assert "Member of finance" in page
    assert f"account {owner.account.pk}" in page
    assert f'href="/staff/accounts/{owner.account.pk}/"' in page
    assert "Person 987654" in page
    assert "credits.gone 5" in page


def test_the_record_is_exported_and_that_is_an_act(owner: Merchant) -> None:
    client = member("finance")
    url = reverse("admin:staff_note", args=[owner.account.pk])
    client.post(url, {"text": "=cmd()"})

    answer = client.get(reverse("admin:credits_staffact_export"))
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]

    assert lines[0].lstrip("\ufeff").startswith("at,staff_id,act,subject")
    assert ",note written,credits.account," in lines[1]
    assert lines[1].endswith(",'=cmd()")
    assert StaffAct.objects.filter(act="record exported").count() == 1
    assert staff_client("view_account").get("/staff/credits/staffact/export.csv").status_code == 403
