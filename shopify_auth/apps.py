from __future__ import annotations

from django.apps import AppConfig


class ShopifyAuthConfig(AppConfig):
    name = "shopify_auth"
    verbose_name = "Shops and people"

    def ready(self) -> None:
        # Its receiver opens accounts for people who sign up on the web.
        from shopify_auth.stores import web_sign_ups  # noqa: F401
