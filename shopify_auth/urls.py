"""Shopify's entry points: webhooks, bounce page, legacy installation."""

from __future__ import annotations

from django.urls import path

from shopify_auth.billing import views
from shopify_auth.frame import bounce
from shopify_auth.identity import legacy_install
from shopify_auth.webhooks import receiving

urlpatterns = [
    path("webhooks/shopify", receiving.receive, name="webhooks"),
    path("billing/return/<str:reference>", views.billing_return, name="billing_return"),
    path("auth/session-token", bounce.session_token_page, name="session_token_page"),
    path("auth/install", legacy_install.begin, name="legacy_install"),
    path("auth/callback", legacy_install.callback, name="legacy_callback"),
]
