"""Shopify's entry points: webhooks, bounce page, legacy installation."""

from __future__ import annotations

from django.urls import path

from shopify_auth import billing_views, bounce, legacy_install, webhooks

urlpatterns = [
    path("webhooks/shopify", webhooks.receive, name="webhooks"),
    path("billing/return/<str:reference>", billing_views.billing_return, name="billing_return"),
    path("auth/session-token", bounce.session_token_page, name="session_token_page"),
    path("auth/install", legacy_install.begin, name="legacy_install"),
    path("auth/callback", legacy_install.callback, name="legacy_callback"),
]
