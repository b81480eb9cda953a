from __future__ import annotations

from django.apps import AppConfig


class ShopifyAuthConfig(AppConfig):
    name = "shopify_auth"
    verbose_name = "Shops and people"
