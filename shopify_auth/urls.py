"""Shopify's entry points: webhooks, bounce and exit pages."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
