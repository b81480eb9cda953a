from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class EcomvanceConfig(AppConfig):
    """The composition root: wires what the apps announce to the open pages."""

    name = "ecomvance_app"
    verbose_name = "ecomVance"

    def ready(self) -> None:
        from celery.signals import worker_process_shutdown

        from credits.signals import balance_changed

        balance_changed.connect(_show_balance, dispatch_uid="show-balance")
        worker_process_shutdown.connect(_tell_what_waits, dispatch_uid="tell-what-waits")


def _show_balance(account_id: int, **_kwargs: Any) -> None:
    from ecomvance_app import live

    live.publish(account_id, "balance")


def _tell_what_waits(**_kwargs: Any) -> None:
    """A worker's processes end without Python's exit, where nudges that wait are sent otherwise."""
    from ecomvance_app import live

    live.flush()
