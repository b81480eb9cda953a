"""The merchant's pages, served twice: under /dashboard/ (web) and under / (in Shopify's admin)."""

from __future__ import annotations

from django.urls import path

from credits.pages import settings_views
from credits.pages import views as credits
from ecomvance_app import events
from ecomvance_app.page import banners, prices, set_up_guide
from generations.pages import approvals, assist, data, picture_views
from generations.pages import views as generations
from generations.pages.batches import batch_review, listing, new_batch
from generations.pages.results import gallery, result
from generations.runs.spend_details import describe_spends
from shopify_auth.billing import views as billing
from shopify_auth.billing.receipts import describe_charges
from shopify_auth.linking import closing
from shopify_auth.linking import pages as linking
from shopify_auth.stores.connections import has_store, is_of_store

urlpatterns = [
    path("", generations.home, name="home"),
    path("set-up/address", set_up_guide.ask_address, name="guide_address"),
    path("tools", generations.tools, name="tools"),
    path("tools/<slug:slug>", generations.tool, name="tool"),
    path("tools/<slug:slug>/check", picture_views.check_picture, name="check_picture"),
    path("google", generations.consent, name="consent"),
    path("approvals", approvals.approvals_page, name="approvals"),
    path("approvals/<uuid:approval_id>", approvals.approval_page, name="approval"),
    path("approvals/<uuid:approval_id>/withdraw", approvals.withdraw, name="withdraw_approval"),
    path("batches", listing.batches_page, name="batches"),
    path("batches/new", new_batch.new_batch, name="new_batch"),
    path("batches/quote", new_batch.quote, name="batch_quote"),
    path("batches/preview", new_batch.preview, name="batch_preview"),
    path("batches/preview/<slug:name>", new_batch.preview_status, name="batch_preview_status"),
    path("batches/picked", new_batch.picked, name="batch_picked"),
    path("batches/<uuid:batch_id>", listing.batch_page, name="batch"),
    path("batches/<uuid:batch_id>/act", listing.act, name="batch_act"),
    path("batches/<uuid:batch_id>/review", batch_review.review, name="batch_review"),
    path("batches/<uuid:batch_id>/csv", batch_review.export, name="batch_export"),
    path("gallery", gallery.gallery_page, name="gallery"),
    path("gallery/act", gallery.act, name="gallery_act"),
    path("history", gallery.history, name="history"),
    path("runs/<uuid:generation_id>", generations.run, name="run"),
    path("runs/<uuid:generation_id>/status", generations.run_status, name="run_status"),
    path("runs/<uuid:generation_id>/again", result.again, name="run_again"),
    path("runs/<uuid:generation_id>/report", result.report, name="run_report"),
    path("runs/<uuid:generation_id>/delete", result.delete, name="run_delete"),
    path("runs/<uuid:generation_id>/brush", picture_views.brush, name="brush"),
    path("runs/<uuid:generation_id>/cancel", generations.cancel, name="cancel"),
    path("runs/<uuid:generation_id>/text", generations.edit_text, name="edit_text"),
    path("assist", assist.page, name="assist"),
    path("hints/<slug:slug>/dismiss", assist.dismiss_hint, name="dismiss_hint"),
    path("assist/ask", assist.ask, name="assist_ask"),
    path("assist/<uuid:conversation_id>", assist.page, name="conversation"),
    path("assist/<uuid:conversation_id>/delete", assist.delete, name="delete_conversation"),
    path("usage", credits.usage_page, name="usage"),
    path(
        "usage/ledger", credits.ledger_page, {"describe_charges": describe_charges}, name="ledger"
    ),
    path("usage/ledger.csv", credits.ledger_export, name="ledger_export"),
    path(
        "usage/ledger/<int:sequence>",
        credits.entry_page,
        {"describe": describe_spends, "describe_charges": describe_charges},
        name="entry",
    ),
    path("prices", prices.prices_page, name="prices"),
    path("plans", billing.plans_page, name="plans"),
    path("plans/content", billing.plans_content, name="plans_content"),
    path("plans/subscribe", billing.subscribe, name="subscribe"),
    path("plans/keep", billing.keep_plan, name="keep_plan"),
    path("plans/buy", billing.buy_package, name="buy_package"),
    path("plans/cancel", billing.cancel_plan, name="cancel_plan"),
    path("plans/confirmation/<str:reference>", billing.confirmation, name="confirmation"),
    path("settings", settings_views.settings_page, name="settings"),
    path(
        "settings/recipients/<int:recipient_id>/ask",
        settings_views.ask_again,
        name="ask_recipient",
    ),
    path("settings/spending", settings_views.spending_page, name="spending"),
    path("settings/zone", settings_views.zone_page, {"has_store": has_store}, name="zone"),
    path("settings/data", data.data_page, {"has_store": is_of_store}, name="data"),
    path("settings/close", closing.close_workspace, name="close_workspace"),
    path("settings/connection", linking.connection, name="connection"),
    path("settings/people", linking.people, name="people"),
    path("live", events.ticket, name="live_ticket"),
    path("balance", events.balance, name="balance"),
    path("banner", banners.fragment, name="banner"),
]
