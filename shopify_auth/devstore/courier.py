"""Carries webhooks from the outbox to the app, one thread for the whole fake."""

from __future__ import annotations

import logging
import threading
import time

import requests
from django.conf import settings

from shopify_auth.devstore import webhooks
from shopify_auth.devstore.state import Delivery, DeliveryStatus, Store

logger = logging.getLogger(__name__)

# Shopify allows one second to connect and five in all, and repeats eight times over four hours.
TIMEOUT_SECONDS = (1, 5)
BACK_OFF_SECONDS = (1, 2, 4, 8, 15, 30, 60, 60)


class Courier:
    """Delivers what is due. `wake` after putting something into the outbox."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session = requests.Session()
        self._something_new = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="devstore-courier", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the delivery under way and end."""
        self._stopping = True
        self._something_new.set()
        self._thread.join()
        self._session.close()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._something_new.set()

    def _run(self) -> None:
        while not self._stopping:
            self._something_new.clear()
            waiting = [
                delivery
                for delivery in self._store.copy().deliveries
                if delivery.status is DeliveryStatus.WAITING
            ]
            due = [delivery for delivery in waiting if delivery.due_at <= time.time()]
            for delivery in sorted(due, key=lambda one: one.due_at):
                self._deliver(delivery)
            if not due:
                next_due = min((one.due_at for one in waiting), default=time.time() + 3600)
                self._something_new.wait(timeout=max(0.05, next_due - time.time()))

    def _deliver(self, delivery: Delivery) -> None:
        answers = [self._post(delivery) for _ in range(delivery.copies)]
        delivered = all(answer.startswith("2") for answer in answers)
        with self._store.change() as state:
            for kept in state.deliveries:
                if kept.webhook_id == delivery.webhook_id:
                    kept.answers += answers
                    kept.attempts += 1
                    if delivered:
                        kept.status = DeliveryStatus.DELIVERED
                    elif kept.attempts > len(BACK_OFF_SECONDS):
                        kept.status = DeliveryStatus.FAILED
                    else:
                        kept.due_at = time.time() + BACK_OFF_SECONDS[kept.attempts - 1]

    def _post(self, delivery: Delivery) -> str:
        """Send it once; the status code as text, or the name of what went wrong."""
        try:
            response = self._session.post(
                f"{settings.APP_URL}/webhooks/shopify",
                data=delivery.body.encode(),
                headers=webhooks.headers(delivery),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            logger.warning("Webhook %s was not delivered: %s", delivery.topic, type(error).__name__)
            return type(error).__name__
        return str(response.status_code)
