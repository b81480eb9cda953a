"""The merchant's credit pages against figures counted from the entries, and who may see them."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from credits import ledger
from credits.models import AlertRecipient, LedgerEntry
from credits.outcomes import rules
from tests.credits.reports.story import spend_document_day

pytestmark = pytest.mark.django_db


def text(response) -> str:
    """The page as it reads: tags gone, white space folded."""
    assert response.status_code == 200
    return re.sub(r"\s+", " ", strip_tags(response.content.decode()))


def subscribe(merchant, plan: str = "starter") -> None:
    now = timezone.now()
    ledger.start_plan_period(
        merchant.account.pk, plan, now, now + timedelta(days=30), key="period", now=now
    )


def spend(merchant, tool: str, credits: int, key: str) -> LedgerEntry:
    actor = f"user:{merchant.person.pk}"
    return ledger.spend(merchant.account.pk, credits, key, tool=tool, actor=actor)


@pytest.fixture
def document_day(owner):
    """Olivia's day is the sample of the product document."""
    subscribe(owner)
    spend_document_day(owner.account.pk, actor=f"user:{owner.person.pk}")
    return owner


def test_the_documents_day_is_shown_to_the_figure(document_day):
    page = text(document_day.client.get("/dashboard/usage"))

    assert "Today Used: 120 credits" in page
    assert "Background Removal × 3 60 credits" in page
    assert "Description Generator × 2 40 credits" in page
    assert "Image Enhance × 1 50 credits" in page
    assert "balance adjust -30" in page


def test_the_documents_second_day(owner, time_machine):
    subscribe(owner)
    for n in range(3):
        spend(owner, "product-try-on", 50, f"try-{n}")
    for n in range(2):
        spend(owner, "product-placement", 50, f"place-{n}")
    first_day = timezone.localdate(timezone.now(), ZoneInfo(owner.account.time_zone))
    time_machine.move_to(timezone.now() + timedelta(days=1), tick=False)

    # The month of the first day, which may have been its last.
    page = text(owner.client.get(f"/dashboard/usage?span={first_day:%Y-%m}"))

    lines = "Product Try-On × 3 150 credits Product Placement × 2 100 credits"
    assert f"Yesterday Used: 250 credits {lines}" in page


def test_a_restoration_and_an_adjustment_are_lines_of_their_own(owner):
    run = spend(owner, "image-enhance", 50, "run")
    ledger.restore(run.pk, "restore", "staff:9", "Our fault")
    ledger.adjust(owner.account.pk, "plan", -20, "correction", "staff:9", "Counted twice")

    page = text(owner.client.get("/dashboard/usage"))

    day = "Used: 20 credits Image Enhance × 1 50 credits restored -50 balance adjust, credits taken +20"
    assert day in page
    assert "Opening 0 + in 100 + restored 50 - balance adjust 20 - used 50 - expired 0 = 80" in page
    assert "Restored +50 Balance adjust -20 Used -50 Expired 0" in page
    assert "\N{MINUS SIGN}" not in page


def test_month_summary_in_the_documents_words_and_its_check(document_day):
    page = text(document_day.client.get("/dashboard/usage"))

    # A trial of 100 whose rest expired when the plan's 3,000 were granted.
    assert (
        "Plan credits 0 opening + 3,100 in + 30 balance adjust - 150 used - 100 expired = 2,880 remaining"
        in page
    )
    assert "Package credits 0 balance → 0 used → 0 remaining" in page
    check = "Opening 0 + in 3,100 + restored 0 + balance adjust 30 - used 150 - expired 100 = 2,880"
    assert check in page
    entries = LedgerEntry.objects.filter(account=document_day.account)
    assert sum(entry.credits for entry in entries) == 2880


def test_most_used_tools_and_people(document_day):
    page = text(document_day.client.get("/dashboard/usage"))

    assert "Background Removal 40% (60 credits)" in page
    assert "Image Enhance 33% (50 credits)" in page
    assert "Description Generator 27% (40 credits)" in page
    assert re.search(r"Olivia 6 150 100", page)


def test_a_month_of_use_alone_reads_as_in_the_document(owner):
    ledger.add_package(owner.account.pk, 500, key="package")
    spend(owner, "image-enhance", 50, "run")

    page = text(owner.client.get("/dashboard/usage"))

    assert "Plan credits 100 allocated → 50 used → 50 remaining" in page
    assert "Package credits 500 balance → 0 used → 500 remaining" in page


def test_by_billing_period(document_day):
    grant = LedgerEntry.objects.get(account=document_day.account, kind="plan_grant")

    page = text(document_day.client.get(f"/dashboard/usage?span=period-{grant.sequence}"))

    assert (
        "Plan credits 0 opening + 3,000 in + 30 balance adjust - 150 used = 2,880 remaining" in page
    )


def test_the_zone_is_named_and_decides_the_day(owner):
    owner.account.time_zone = "Pacific/Kiritimati"
    owner.account.save(update_fields=["time_zone"])
    spend(owner, "background-removal", 20, "cut")

    response = owner.client.get("/dashboard/usage")

    entry = LedgerEntry.objects.get(key="cut")
    assert f'id="day-{entry.day}"' in response.content.decode()
    assert "Pacific/Kiritimati" in text(response)


def test_nothing_used_yet(owner):
    page = owner.client.get("/dashboard/usage")

    assert "Nothing used yet" in text(page)
    assert "100 plan credits granted." in text(page)
    usage_day = page.content.decode().split('class="usage-day')[1].split("</section>")[0]
    assert "<dl" not in usage_day
    assert "No tool was used in this period." in text(owner.client.get("/dashboard/usage"))


@pytest.mark.parametrize(
    ("daily", "left", "said"),
    [
        ([100, 100, 100, 100, 100], 1000, "At this pace: about 10 days."),
        ([20, 900, 20, 20, 900], 600, "At this pace: about 1 to 3 days."),
        ([20, 40, 20, 20, 900], 250, "At this pace: less than 11 days."),
        ([900, 900, 900, 900, 900], 100, "At this pace: less than a day."),
    ],
)
def test_days_left_are_said_in_words_that_mean_something(owner, time_machine, daily, left, said):
    account = ledger.open_account("Packages only", trial=False)
    owner.person.memberships.update(account=account)
    ledger.add_package(account.pk, sum(daily) + left, key="package")
    opened = timezone.now()
    for day, credits in enumerate(daily):
        time_machine.move_to(opened + timedelta(days=day), tick=False)
        ledger.spend(account.pk, credits, f"day-{day}")
    time_machine.move_to(opened + timedelta(days=len(daily)), tick=False)

    page = text(owner.client.get("/dashboard/"))

    assert said in page


def test_credits_that_may_run_out_today_or_last_to_the_reset(owner, time_machine):
    account_id, opened = owner.account.pk, timezone.now()
    end = opened + timedelta(days=10)
    ledger.start_plan_period(account_id, "starter", opened, end, key="period", now=opened)
    ledger.adjust(account_id, "plan", -1750, "down", "staff:9", "Leaves 1,250")
    for day, credits in enumerate([20, 40, 20, 20, 900]):
        time_machine.move_to(opened + timedelta(days=day), tick=False)
        ledger.spend(account_id, credits, f"day-{day}")
    time_machine.move_to(opened + timedelta(days=5), tick=False)

    page = text(owner.client.get("/dashboard/"))

    assert "At this pace your credits may run out today." in page


def test_home_says_what_is_missing_for_a_tool(owner):
    spend(owner, "image-enhance", 85, "most")

    page = text(owner.client.get("/dashboard/"))

    assert "Needs 5 more credits." in page
    assert "You can run" not in page


def test_ledger_pages_by_keyset_with_the_running_balance(owner):
    subscribe(owner)
    for n in range(60):
        spend(owner, "background-removal", 20, f"cut-{n}")

    first = owner.client.get("/dashboard/usage/ledger")
    older = re.search(r"\?before=(\d+)", first.content.decode())
    assert older
    second = owner.client.get(f"/dashboard/usage/ledger?before={older[1]}")

    sequences = [
        int(number)
        for page in (first, second)
        for number in re.findall(r"#(\d+)<", page.content.decode())
    ]
    assert sequences == list(range(63, 0, -1))
    assert "2,980" in text(second)
    assert "Trial credits" in text(second)
    newer = re.search(r"\?after=(\d+)", second.content.decode())
    assert newer
    back = owner.client.get(f"/dashboard/usage/ledger?after={newer[1]}")
    assert re.findall(r"#(\d+)<", back.content.decode()) == [str(n) for n in range(63, 13, -1)]


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30])
def test_a_page_that_cannot_be_read_is_the_first(owner, value):
    assert "Trial credits" in text(owner.client.get(f"/dashboard/usage/ledger?before={value}"))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        # Clocks went back at 03:00: half past two came twice, and the second time is meant.
        ("2026-10-25T02:30", "2026-10-25T01:30:00+00:00"),
        # Clocks went forward at 02:00: half past two was skipped.
        ("2026-03-29T02:30", "2026-03-29T01:30:00+00:00"),
    ],
)
def test_balance_at_a_local_time_that_a_clock_change_makes_doubtful(
    owner, time_machine, asked, meant
):
    instant = datetime.fromisoformat(meant)
    time_machine.move_to(instant - timedelta(days=1), tick=False)
    account = ledger.open_account("Packages", trial=False, time_zone="Europe/Berlin")
    owner.person.memberships.update(account=account)
    owner.client.force_login(owner.person)
    ledger.add_package(account.pk, 500, key="before", now=instant)
    after = instant + timedelta(seconds=1)
    ledger.add_package(account.pk, 1500, key="after", now=after)
    time_machine.move_to(after + timedelta(days=1), tick=False)

    page = text(owner.client.get(f"/dashboard/usage/ledger?at={asked}"))

    assert "(Europe/Berlin): 500 credits, plan 0, package 500." in page


def test_balance_at_a_past_instant_in_the_accounts_zone(owner):
    owner.account.time_zone = "Asia/Tokyo"
    owner.account.save(update_fields=["time_zone"])
    tomorrow = timezone.now() + timedelta(days=1)

    page = text(owner.client.get("/dashboard/usage/ledger?at=2020-01-01T09:00"))
    refused = text(owner.client.get(f"/dashboard/usage/ledger?at={tomorrow:%Y-%m-%dT%H:%M}"))

    assert "(Asia/Tokyo): 0 credits, plan 0, package 0." in page
    assert "Choose a time in the past." in refused
    assert "Enter a valid date/time." in text(owner.client.get("/dashboard/usage/ledger?at=soon"))


def test_an_entry_is_a_receipt(owner):
    subscribe(owner)
    run = spend(owner, "image-enhance", 50, "run")
    rules.apply_outcome(run, "platform_error", timezone.now())

    page = text(owner.client.get(f"/dashboard/usage/ledger/{run.sequence}"))

    assert "Plan credits -50 → 2,950" in page
    assert "Paid by 50 from plan" in page
    assert "Waiting for a decision" in page
    assert "Rule: ecomVance platform error: may be restored (discretionary)." in page


def test_another_accounts_receipt_is_not_found(owner, second_shop):
    for n in range(5):
        spend(second_shop, "background-removal", 20, f"theirs-{n}")

    assert owner.client.get("/dashboard/usage/ledger/6").status_code == 404
    assert second_shop.client.get("/dashboard/usage/ledger/6").status_code == 200


@pytest.mark.parametrize("path", ["usage", "usage/ledger", "usage/ledger/1", "plans", "settings"])
def test_pages_need_an_account(path, client, stranger):
    assert client.get(f"/dashboard/{path}").status_code == 302
    assert stranger.get(f"/dashboard/{path}").status_code == 403


# --- The warning ---------------------------------------------------------------------------------


def banner(merchant) -> str:
    page = text(merchant.client.get("/dashboard/settings"))
    return page[page.index("Low credits warning") :] if "Low credits warning" in page else page


def test_no_warning_while_there_is_enough(owner):
    assert "Low credits warning" not in banner(owner)


def test_low_credits_as_drawn(owner):
    spend(owner, "background-removal", 50, "half")

    response = owner.client.get("/dashboard/settings")
    page = response.content.decode()

    assert "You have 50 credits remaining." in text(response)
    for label, target in (
        ("Purchase credits", "/dashboard/plans#packages"),
        ("Upgrade plan", "/dashboard/plans#plans"),
        ("View usage", "/dashboard/usage"),
    ):
        assert re.search(rf'href="{target}"[^>]*>\s*{label}', page)
    assert "Options: Purchase credits Upgrade plan View usage" in text(response)
    assert "Trial credits reset on:" in text(response)
    assert page.count('class="banner banner--') == 2  # The warning, and the template for errors.


def test_below_the_cheapest_tool_and_at_zero(owner):
    spend(owner, "image-enhance", 85, "most")
    assert "The cheapest tool costs 20 credits." in banner(owner)

    spend(owner, "image-enhance", 15, "all")
    assert "You have no credits left" in banner(owner)


def test_the_warning_advises_by_what_runs_most(owner):
    subscribe(owner)
    ledger.adjust(owner.account.pk, "plan", -2700, "down", "staff:9", "Test of the warning")
    spend(owner, "product-placement", 100, "large")

    advice = "Product Placement: 1K–2K is enough for the web and costs 50 credits instead of 100."
    assert advice in banner(owner)


# --- Settings ------------------------------------------------------------------------------------


def test_threshold_and_recipients_are_kept(owner):
    data = {"threshold": "80", "recipients": "Olivia@example.com\nshop@example.com\n"}

    response = owner.client.post("/dashboard/settings", data)

    assert response.status_code == 302
    owner.account.refresh_from_db()
    assert owner.account.low_threshold == 80
    emails = AlertRecipient.objects.filter(account=owner.account).values_list("email", flat=True)
    assert sorted(emails) == ["olivia@example.com", "shop@example.com"]
    page = owner.client.get("/dashboard/settings").content.decode()
    assert 'value="80"' in page
    assert "olivia@example.com\nshop@example.com" in page


def test_an_empty_threshold_is_the_plans_default(owner):
    owner.client.post("/dashboard/settings", {"threshold": "80", "recipients": ""})
    owner.client.post("/dashboard/settings", {"threshold": "", "recipients": ""})

    owner.account.refresh_from_db()
    assert (owner.account.low_threshold, owner.account.low_at) == (None, 50)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"threshold": "-1"}, "greater than or equal to 0"),
        ({"threshold": "many"}, "Enter a whole number."),
        ({"recipients": "olivia@example.com\nnot an address"}, "is not an email address."),
        ({"recipients": "\n".join(f"a{n}@example.com" for n in range(11))}, "At most 10"),
    ],
)
def test_settings_that_are_refused_keep_what_was_typed(owner, data, error):
    response = owner.client.post("/dashboard/settings", data)

    assert response.status_code == 422
    page = response.content.decode()
    assert error in page
    assert all(typed in html.unescape(page) for typed in data.values())
    assert not AlertRecipient.objects.exists()


def test_settings_answer_a_partial_request_with_the_form_alone(owner):
    headers = {"HX-Request": "true"}

    response = owner.client.post("/dashboard/settings", {"threshold": "70"}, headers=headers)

    assert response.status_code == 200
    events = json.loads(response.headers["HX-Trigger"])
    assert events == {"toast": {"message": "Settings saved"}, "balance:stale": {}}
    assert b"<html" not in response.content
