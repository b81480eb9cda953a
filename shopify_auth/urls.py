"""Shopify's entry points: webhooks, bounce page, legacy installation."""

from __future__ import annotations

from django.urls import path

from shopify_auth import bounce

urlpatterns = [
    path("auth/session-token", bounce.session_token_page, name="session_token_page"),
]
