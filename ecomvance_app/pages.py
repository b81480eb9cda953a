"""The merchant's pages, served twice: under /dashboard/ (web) and under / (in Shopify's admin)."""

from __future__ import annotations

from django.urls import path

from ecomvance_app import events
from generations import views as generations

urlpatterns = [
    path("", generations.home, name="home"),
    path("tools", generations.tools, name="tools"),
    path("tools/<slug:slug>", generations.tool, name="tool"),
    path("history", generations.history, name="history"),
    path("runs/<uuid:generation_id>", generations.run, name="run"),
    path("runs/<uuid:generation_id>/status", generations.run_status, name="run_status"),
    path("runs/<uuid:generation_id>/cancel", generations.cancel, name="cancel"),
    path("live", events.ticket, name="live_ticket"),
    path("balance", events.balance, name="balance"),
]
