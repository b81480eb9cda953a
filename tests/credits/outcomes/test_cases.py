"""What becomes of the credits when a run ends: the document's table, cases, and their decisions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from credits import ledger, queries
from credits.models import EntryNote, LedgerEntry, OutcomeRule, RestorationCase
from credits.outcomes import cases, rules
from credits.reports.receipts import read_receipt
from tests.credits.reports.story import DAY, NOON, open_bloom, open_quay

pytestmark = pytest.mark.django_db

NEVER_RESTORED = [
    "delivered", "provider_error", "content_policy", "timeout", "user_cancelled",
    "invalid_input", "unsatisfactory",
]  # fmt: skip


@pytest.fixture
def staff():
    return get_user_model().objects.create_user("sam@ecomvance.example", is_staff=True)


@pytest.fixture
def bloom():
    return open_bloom()


@pytest.fixture
def mixed(bloom):
    """A spend that took 10 plan and 40 package credits, as in the document's second scenario."""
    ledger.spend(bloom.pk, 2990, "most of the plan", now=NOON)
    return ledger.spend(bloom.pk, 50, "mixed", tool="image-enhance", now=NOON)


def case_of(spend: LedgerEntry) -> RestorationCase:
    settled = rules.apply_outcome(spend, "platform_error", NOON)
    assert settled.case is not None
    return settled.case


@pytest.mark.parametrize("outcome", NEVER_RESTORED)
def test_outcomes_that_are_never_restored(mixed, outcome):
    settled = rules.apply_outcome(mixed, outcome, NOON)

    assert (settled.case, settled.restoration) == (None, None)
    assert not RestorationCase.objects.exists()
    assert queries.get_balance(mixed.account_id, NOON).total == 460


def test_a_platform_error_opens_one_case_and_restores_nothing(mixed):
    first = rules.apply_outcome(mixed, "platform_error", NOON)
    second = rules.apply_outcome(mixed, "platform_error", NOON + DAY)

    assert first.case == second.case
    assert RestorationCase.objects.get().state == "open"
    assert queries.get_balance(mixed.account_id, NOON).total == 460


def test_cancelled_in_the_queue_is_given_back_at_once(mixed):
    settled = rules.apply_outcome(mixed, "cancelled_in_queue", NOON)
    rules.apply_outcome(mixed, "cancelled_in_queue", NOON)

    assert settled.restoration is not None
    assert (settled.restoration.plan_delta, settled.restoration.package_delta) == (10, 40)
    assert settled.restoration.actor == "system"
    assert LedgerEntry.objects.filter(kind="restore").count() == 1


def test_platform_errors_restored_at_once_by_setting(mixed):
    OutcomeRule.objects.filter(outcome="platform_error").update(policy="automatic")

    settled = rules.apply_outcome(mixed, "platform_error", NOON)
    again = rules.apply_outcome(mixed, "platform_error", NOON + DAY)

    assert settled.case is not None
    assert (settled.case.state, settled.case.decided_by) == ("approved", None)
    assert again.restoration == settled.restoration
    assert queries.get_balance(mixed.account_id, NOON).total == 510


def test_an_unknown_outcome_is_refused(mixed):
    with pytest.raises(ValueError, match="no rule"):
        rules.apply_outcome(mixed, "sunspots", NOON)


def test_approval_restores_the_exact_split_once(mixed, staff):
    case = case_of(mixed)

    approved = cases.approve(case, staff, "Storage was away", NOON)
    again = cases.approve(case, staff, "Pressed twice", NOON)

    assert approved.restoration is not None
    assert approved.restoration.restores == mixed
    assert (approved.restoration.plan_delta, approved.restoration.package_delta) == (10, 40)
    assert approved.restoration.actor == f"staff:{staff.pk}"
    assert EntryNote.objects.get(entry=approved.restoration).text == "Storage was away"
    assert (again.reason, again.decided_by) == ("Storage was away", staff)


def test_declining_restores_nothing(mixed, staff):
    case = cases.decline(case_of(mixed), staff, "The picture was delivered", NOON)

    assert (case.state, case.restoration) == ("declined", None)
    assert queries.get_balance(mixed.account_id, NOON).total == 460


def test_a_decided_case_is_not_decided_the_other_way(mixed, staff):
    case = case_of(mixed)
    cases.decline(case, staff, "Delivered", NOON)

    with pytest.raises(cases.CaseDecided):
        cases.approve(case, staff, "Changed my mind", NOON)
    assert not LedgerEntry.objects.filter(kind="restore").exists()


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_decision_needs_a_reason(mixed, staff, reason):
    case = case_of(mixed)

    for decide in (cases.approve, cases.decline):
        with pytest.raises(ValueError, match="reason"):
            decide(case, staff, reason, NOON)
    case.refresh_from_db()
    assert case.state == "open"


def test_nothing_to_restore_leaves_the_case_open(staff):
    quay = open_quay()
    spend = ledger.spend(quay.pk, 50, "yesterday", now=NOON)
    case = case_of(spend)

    with pytest.raises(ledger.NothingToRestore):
        cases.approve(case, staff, "Crash", NOON + DAY)

    case.refresh_from_db()
    assert (case.state, case.restoration) == ("open", None)
    assert cases.decline(case, staff, "Expired since", NOON + DAY).state == "declined"


def test_automatic_restoration_with_nothing_to_restore_waits_for_staff():
    OutcomeRule.objects.filter(outcome="platform_error").update(policy="automatic")
    quay = open_quay()
    spend = ledger.spend(quay.pk, 50, "yesterday", now=NOON)

    settled = rules.apply_outcome(spend, "platform_error", NOON + DAY)

    assert settled.case is not None
    assert (settled.case.state, settled.restoration) == ("open", None)


def test_a_spend_restored_by_hand_before_is_not_restored_again(mixed, staff):
    by_hand = ledger.restore(mixed.pk, "by hand", f"staff:{staff.pk}", "Known incident", now=NOON)

    case = cases.approve(case_of(mixed), staff, "Crash", NOON)

    assert case.restoration == by_hand
    assert queries.get_balance(mixed.account_id, NOON).total == 510


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_staff_decide_at_once(staff):
    bloom = open_bloom()
    spend = ledger.spend(bloom.pk, 50, "run", now=NOON)
    case = case_of(spend)

    def decide(how) -> str:
        try:
            return str(how(case, staff, "At once", NOON).state)
        except cases.CaseDecided:
            return "refused"
        finally:
            connection.close()

    hows = [cases.approve, cases.decline] * 4
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(decide, hows))

    case.refresh_from_db()
    assert case.state in ("approved", "declined")
    assert states.count(case.state) == 4
    assert states.count("refused") == 4
    restored = LedgerEntry.objects.filter(kind="restore").count()
    assert restored == (case.state == "approved")


# --- Receipts ------------------------------------------------------------------------------------


def test_receipt_of_a_delivered_run(mixed):
    receipt = read_receipt(mixed.account_id, mixed.pk, "delivered")

    assert receipt is not None
    assert (receipt.plan, receipt.package) == (10, 40)
    assert receipt.rule == "Output delivered, credits consumed."
    assert receipt.words == "50 credits were used. The result was delivered."


def test_receipt_follows_the_case(mixed, staff):
    case = case_of(mixed)

    def words() -> str:
        receipt = read_receipt(mixed.account_id, mixed.pk, "platform_error")
        assert receipt is not None
        assert receipt.rule == "ecomVance platform error: may be restored (discretionary)."
        return receipt.words

    assert words().startswith("50 credits were used. This was our error")
    cases.approve(case, staff, "Storage was away", NOON)
    assert words() == "50 credits were given back, each to where it was taken from."


def test_receipt_says_what_lapsed():
    quay = open_quay()
    ledger.add_package(quay.pk, 50, "package", now=NOON)
    spend = ledger.spend(quay.pk, 120, "yesterday", now=NOON)
    rules.apply_outcome(spend, "cancelled_in_queue", NOON + DAY)

    receipt = read_receipt(quay.pk, spend.pk, "cancelled_in_queue")

    assert receipt is not None
    assert receipt.words == "20 credits were given back; 100 plan credits had expired since."


def test_cancelling_what_waits_carries_no_plan_credits_over():
    quay = open_quay()
    spend = ledger.spend(quay.pk, 50, "yesterday", now=NOON)
    ledger.spend(quay.pk, 30, "today", now=NOON + DAY)

    applied = rules.apply_outcome(spend, "cancelled_in_queue", NOON + DAY)

    assert applied.restoration is None
    assert queries.get_balance(quay.pk, now=NOON + DAY).total == 70
    receipt = read_receipt(quay.pk, spend.pk, "cancelled_in_queue")
    assert receipt is not None
    assert receipt.words == "50 credits were used. They expired before they could be given back."


def test_no_receipt_for_another_account_or_no_spend(mixed):
    quay = open_quay()
    grant = quay.entries.get()

    assert read_receipt(quay.pk, mixed.pk) is None
    assert read_receipt(quay.pk, grant.pk) is None
