"""Every model says whether its rows may change. A new one is listed here, or this test fails."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from credits import ledger, staff_acts
from credits.ledger import triggers
from credits.models import LedgerEntry

# The database itself refuses to change or delete a row of these.
APPEND_ONLY = {"credits.LedgerEntry", "credits.StaffAct"}
MUTABLE = {
    # Configured by operators.
    "credits.Plan", "credits.Package", "credits.OutcomeRule", "credits.LowCreditDefault",
    # Caches of entries, written with them in one transaction; check_ledger recomputes them.
    "credits.Account", "credits.DailyUsage",
    # Worked on, or erased when a shop asks for it.
    "credits.EntryNote", "credits.RestorationCase", "credits.AlertRecipient",
    "credits.LowCreditAlert", "credits.StaffWords", "credits.LedgerPass",
    "credits.Notice", "credits.NoticeChoice",
    # Decided by a second person; their words are erased. What an incident gave, and what it was.
    "credits.Correction", "credits.Incident", "credits.IncidentRun",
    # Work and its files: states change, pictures are erased.
    "generations.Generation", "generations.Picture",
    "generations.Approval", "generations.ApprovalPicture", "generations.DataExport",
    "generations.Batch", "generations.BatchItem", "generations.BatchCharge",
    "generations.ProblemReport",
    # How engines do, and what operators say about them.
    "generations.EngineDay", "generations.EngineHealth", "generations.EngineSwitch",
    "generations.UsagePrice", "generations.EngineRoute", "generations.LimitSetting", "generations.StaffNotice",
    # That pictures may go to a provider; goes when the store is forgotten.
    "generations.ProviderConsent",
    # Talks with the assistant go after 30 days, and with the store.
    "generations.AssistDay", "generations.ChatMessage", "generations.Conversation",
    "generations.DismissedHint",
    # Identity and connections: people, shops and tokens come and go.
    "shopify_auth.Erasure", "shopify_auth.Membership", "shopify_auth.OfflineToken",
    "shopify_auth.Person", "shopify_auth.SignInFailure", "shopify_auth.Mailbox",
    "shopify_auth.Connection", "shopify_auth.Invitation", "shopify_auth.LinkRequest",
    "shopify_auth.Shop", "shopify_auth.ShopStaff",
    "shopify_auth.WebhookDelivery", "shopify_auth.Subscription", "shopify_auth.Purchase",
    "shopify_auth.BillingCheck", "shopify_auth.BillingDifference",
}  # fmt: skip
OURS = {"credits", "shopify_auth", "generations", "ecomvance_app"}


def test_every_model_has_chosen():
    models = {model._meta.label for model in apps.get_models() if model._meta.app_label in OURS}

    assert not APPEND_ONLY & MUTABLE
    assert models == APPEND_ONLY | MUTABLE


@pytest.mark.django_db
def test_the_append_only_ones_are_held_by_the_database():
    account = ledger.open_account("Loom & Linen")
    staff_acts.record(1, "looked at", account)
    for label in APPEND_ONLY:
        table = connection.ops.quote_name(apps.get_model(label)._meta.db_table)
        for change in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):  # noqa: S608
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change)

    assert LedgerEntry._meta.db_table == triggers.ENTRY
    assert LedgerEntry.objects.count() == 1
