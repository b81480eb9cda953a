"""One answer serves several deliveries: those of one store that ask the same question, no others."""

from __future__ import annotations

import pytest
from django.test import Client, TestCase

from ecomvance_app.celery import app
from shopify_auth import tasks
from shopify_auth.models import WebhookDelivery
from tests.embedded import SECOND_SHOP, SHOP, open_page
from tests.shopify_auth.webhooks.post import post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _both_stores(store_access):
    open_page(Client())
    open_page(Client(), SECOND_SHOP)


def test_charges_that_were_read_leave_other_news_of_the_store_waiting():
    post("app/scopes_update", webhook_id="scopes")
    post("app/uninstalled", webhook_id="uninstalled")
    post("app_subscriptions/update", webhook_id="charge")
    post("app_subscriptions/update", webhook_id="another store's", shop=SECOND_SHOP)

    tasks.handle_webhook(webhook_id="charge")

    waiting = WebhookDelivery.objects.filter(handled_at=None)
    assert set(waiting.values_list("webhook_id", flat=True)) == {
        "scopes", "uninstalled", "another store's",
    }  # fmt: skip


def test_news_of_one_store_silences_no_other_stores(monkeypatch):
    sent = []
    monkeypatch.setattr(app, "send_task", lambda _name, kwargs, **_more: sent.append(kwargs))

    with TestCase.captureOnCommitCallbacks(execute=True):
        for shop in (SHOP, SECOND_SHOP, SHOP):
            post("app_subscriptions/update", shop=shop, webhook_id=f"{shop} {len(sent)}")

    stores = [str(message["webhook_id"]).split()[0] for message in sent]
    assert sorted(stores) == [SHOP, SECOND_SHOP]
