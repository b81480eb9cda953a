"""What staff may do to credits, and that nothing else can be done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits import ledger, queries
from credits.admin import server_keys
from credits.models import EntryNote, LedgerEntry, OutcomeRule, Package, Plan, RestorationCase
from credits.outcomes import rules
from tests.merchants import make_person

pytestmark = pytest.mark.django_db


def staff_client(*permissions: str, name: str = "Stella") -> Client:
    """A colleague of the support team with these permissions."""
    person = make_person(name)
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def support() -> Client:
    return staff_client(
        "view_account", "change_account", "view_ledgerentry", "view_restorationcase",
        "change_restorationcase", "view_outcomerule", "change_outcomerule", "view_plan",
        "change_plan", "add_plan", "grant_plan", "change_package", "add_package", "view_dailyusage", "view_lowcreditalert",
        "view_alertrecipient",
    )  # fmt: skip


def form_key(response) -> str:
    found = re.search(r'name="key" value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


def adjust_url(merchant) -> str:
    return reverse("admin:credits_account_adjust", args=[merchant.account.pk])


def test_adjusting_previews_then_writes_one_entry(owner, support):
    url = adjust_url(owner)
    data = {
        "bucket": "package",
        "credits": "250",
        "code": "goodwill",
        "reason": "Goodwill for a slow day",
    }
    data["key"] = form_key(support.get(url))

    preview = support.post(url, data | {"preview": "Preview"})
    assert "Balance afterwards: plan 100, package 250, total 350." in preview.content.decode()
    assert owner.total == 100

    for _pressed_twice in range(2):
        assert support.post(url, data | {"confirm": "Write"}).status_code == 302
    assert owner.total == 350
    entry = LedgerEntry.objects.get(kind="adjust")
    assert entry.actor.startswith("staff:")
    assert EntryNote.objects.get(entry=entry).text == "Goodwill for a slow day"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"credits": "-101"}, "holds 100 credits"),
        ({"credits": "0"}, "changes something"),
        ({"credits": "10", "reason": " "}, "This field is required."),
        ({"credits": "1.5"}, "Enter a whole number."),
        ({"credits": "10", "bucket": "trial"}, "Select a valid choice."),
    ],
)
def test_adjustments_that_are_refused(owner, support, data, error):
    filled = {
        "bucket": "plan",
        "code": "goodwill",
        "reason": "Because",
        "key": server_keys.new_key(),
    } | data

    response = support.post(adjust_url(owner), filled | {"confirm": "Write"})

    assert error in response.content.decode()
    assert owner.total == 100


def test_granting_a_plan(owner, support):
    url = reverse("admin:credits_account_grant", args=[owner.account.pk])
    plan = Plan.objects.get(handle="starter")
    anchor = timezone.now() - timedelta(days=2)
    data = {
        "plan": plan.pk, "anchor_0": f"{anchor:%Y-%m-%d}", "anchor_1": f"{anchor:%H:%M:%S}",
        "code": "partner", "reason": "Partner", "key": form_key(support.get(url)),
    }  # fmt: skip

    preview = support.post(url, data | {"preview": "Preview"}).text
    assert "Balance afterwards: plan 3,000, package 0, total 3,000." in preview
    assert owner.total == 100
    for _pressed_twice in range(2):
        assert support.post(url, data | {"confirm": "Write"}).status_code == 302

    assert queries.get_balance(owner.account.pk).plan == 3000
    later = anchor + timedelta(days=40)
    assert queries.get_balance(owner.account.pk, later).plan == 3000


def test_a_plan_is_not_granted_from_the_future(owner, support):
    url = reverse("admin:credits_account_grant", args=[owner.account.pk])
    plan = Plan.objects.get(handle="growth")
    data = {
        "plan": plan.pk, "anchor_0": "2099-01-01", "anchor_1": "00:00:00", "reason": "Partner",
        "key": "k",
    }  # fmt: skip

    assert "an instant that has come" in support.post(url, data).content.decode()


@pytest.fixture
def case(owner) -> RestorationCase:
    spend = ledger.spend(owner.account.pk, 50, "run", tool="image-enhance")
    settled = rules.apply_outcome(spend, "platform_error", timezone.now())
    assert settled.case is not None
    return settled.case


def decide_url(case: RestorationCase) -> str:
    return reverse("admin:credits_restorationcase_decide", args=[case.pk])


def test_approving_a_case_restores_it(owner, support, case):
    response = support.post(decide_url(case), {"reason": "Storage was away", "approve": "Approve"})

    assert response.status_code == 302
    case.refresh_from_db()
    assert (case.state, str(case.decided_by)) == ("approved", "Stella")
    assert owner.total == 100


def test_declining_a_case_needs_a_reason_and_is_final(owner, support, case):
    url = decide_url(case)

    refused = support.post(url, {"reason": "", "decline": "Decline"})
    assert "This field is required." in refused.content.decode()
    support.post(url, {"reason": "The picture was delivered", "decline": "Decline"})
    again = support.post(url, {"reason": "Changed my mind", "approve": "Approve"})

    assert "This case was declined before." in again.content.decode()
    assert owner.total == 50


def test_a_case_that_nothing_can_take_stays_open(owner, support, case, time_machine):
    time_machine.move_to(timezone.now() + timedelta(days=1))
    support.force_login(case_reviewer := make_person("Rita"))
    case_reviewer.is_staff = case_reviewer.is_superuser = True
    case_reviewer.save()

    response = support.post(decide_url(case), {"reason": "Crash", "approve": "Approve"})

    assert "No bucket can take any of it" in response.content.decode()
    case.refresh_from_db()
    assert case.state == "open"


@pytest.mark.parametrize(
    "model", ["account", "ledgerentry", "restorationcase", "dailyusage", "lowcreditalert",
              "alertrecipient"],
)  # fmt: skip
def test_books_are_read_only(owner, support, case, model):
    assert support.get(reverse(f"admin:credits_{model}_changelist")).status_code == 200
    assert support.get(reverse(f"admin:credits_{model}_add")).status_code == 403
    pk = {"account": owner.account.pk, "restorationcase": case.pk}.get(model)
    if pk:
        url = reverse(f"admin:credits_{model}_change", args=[pk])
        assert support.get(url, follow=True).status_code == 200
        assert support.post(url, {"plan_balance": "9999"}).status_code == 403
    assert owner.total == 50


def test_entries_of_one_account_with_the_running_balance(owner, second_shop, support):
    ledger.spend(owner.account.pk, 20, "cut", tool="background-removal")
    url = reverse("admin:credits_ledgerentry_changelist")

    page = support.get(f"{url}?account__id__exact={owner.account.pk}").content.decode()

    assert re.findall(r'field-total_after">(\d+)', page) == ["80", "100"]
    assert "Sam" not in page


def test_corrections_need_the_permission(owner, case):
    reader = staff_client("view_account", "view_restorationcase")

    for url in (adjust_url(owner), decide_url(case)):
        assert reader.get(url).status_code == 403
    reader = staff_client("view_account", "view_ledgerentry", name="Rita")
    page = reader.get(reverse("admin:staff_account", args=[owner.account.pk]))
    assert "What happened" in page.text
    assert "Adjust balance" not in page.content.decode()


def test_merchants_do_not_reach_the_staff_admin(owner):
    assert owner.client.get(adjust_url(owner)).status_code == 302


def test_only_platform_errors_have_a_choice(support):
    rule = OutcomeRule.objects.get(outcome="platform_error")
    url = reverse("admin:credits_outcomerule_change", args=[rule.pk])
    support.post(url, {"policy": "automatic", "rule": rule.rule, "_confirmed": "1"})
    rule.refresh_from_db()
    assert rule.policy == "automatic"
    assert "Select a valid choice" in support.post(
        url, {"policy": "returned", "rule": rule.rule}
    ).content.decode()  # fmt: skip

    timeout = OutcomeRule.objects.get(outcome="timeout")
    url = reverse("admin:credits_outcomerule_change", args=[timeout.pk])
    support.post(
        url, {"_confirmed": "1", "policy": "automatic", "rule": "Timeout errors: not restored."}
    )
    timeout.refresh_from_db()
    assert timeout.policy == "kept"


def test_a_price_change_touches_nothing_bought_before(owner, support):
    now = timezone.now()
    ledger.start_plan_period(owner.account.pk, "starter", now, now + timedelta(days=30), key="p")
    plan = Plan.objects.get(handle="starter")
    data = OFFER | {"price_usd": "29", "credits": "100"}

    response = support.post(reverse("admin:credits_plan_change", args=[plan.pk]), data)

    assert response.status_code == 302
    assert Plan.objects.get(handle="starter").credits == 100
    assert queries.get_balance(owner.account.pk).allocation == 3000


OFFER = {
    "_confirmed": "1",
    "name": "Starter",
    "price_usd": "19",
    "credits": "3000",
    "on_sale": "on",
    "position": "0",
}


@pytest.mark.parametrize("model", [Plan, Package])
def test_a_handle_is_chosen_once(support, model):
    kind = model._meta.model_name
    offer = model.objects.order_by("position").first()

    page = support.get(reverse(f"admin:credits_{kind}_change", args=[offer.pk]))
    support.post(page.request["PATH_INFO"], OFFER | {"handle": "renamed", "name": "Renamed"})

    assert 'name="handle"' not in page.content.decode()
    renamed = model.objects.get(pk=offer.pk)
    assert (renamed.handle, renamed.name) == (offer.handle, "Renamed")
    added = reverse(f"admin:credits_{kind}_add")
    assert 'name="handle"' in support.get(added).content.decode()
    assert support.post(added, OFFER | {"handle": "tiny", "name": "Tiny"}).status_code == 302
    assert model.objects.get(handle="tiny").credits == 3_000


@pytest.mark.parametrize("model", [Plan, Package])
@pytest.mark.parametrize(
    ("credits", "error"),
    [
        ("0", "greater than or equal to 1."),
        ("-5", "greater than or equal to 0."),
        ("1000000001", "less than or equal to 1000000000."),
    ],
)
def test_what_is_sold_has_credits_that_one_entry_can_grant(support, model, credits, error):
    offer = model.objects.order_by("position").first()
    url = reverse(f"admin:credits_{model._meta.model_name}_change", args=[offer.pk])

    response = support.post(url, OFFER | {"credits": credits})

    assert error in response.content.decode()
    assert model.objects.get(pk=offer.pk).credits == offer.credits


def test_plans_are_taken_off_sale_never_deleted(support):
    plan = Plan.objects.get(handle="starter")

    url = reverse("admin:credits_plan_delete", args=[plan.pk])

    assert support.post(url, {"post": "yes"}).status_code == 403


def test_staff_pages_run_no_inline_script_or_style(owner, support, case):
    for url in (adjust_url(owner), decide_url(case)):
        page = support.get(url).content.decode()
        assert not re.search(r"\son\w+=|\sstyle=|<script>", page)
