from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class EcomvanceConfig(AppConfig):
    """The composition root: wires what the apps announce to the open pages."""

    name = "ecomvance_app"
    verbose_name = "ecomVance"

    def ready(self) -> None:
        from credits.signals import balance_changed

        balance_changed.connect(_show_balance, dispatch_uid="show-balance")


def _show_balance(account_id: int, **_kwargs: Any) -> None:
    from ecomvance_app import live

    live.publish(account_id, "balance")
