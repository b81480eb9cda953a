"""Which queue a task waits in, and when a task begins by itself."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from kombu import Queue

# A worker without -Q serves all of them. A queue of its own keeps one kind of work from waiting for
# another: engines fill the processor, `waiting` is for engines that wait for somebody else's, and a
# store that is slow to answer holds up `stores` alone. `celery` is where the version before sent
# everything; it is served until no such message is left.
DEFAULT_QUEUE = "default"
QUEUES = [Queue(name) for name in ("engines", "waiting", "stores", "default", "celery")]
ROUTES = {
    "generations.run": {"queue": "engines"},
    "generations.check_truth": {"queue": "engines"},
    "generations.preview": {"queue": "engines"},
    "generations.call": {"queue": "waiting"},
    "generations.poll": {"queue": "waiting"},
    "generations.discard": {"queue": "waiting"},
    "generations.probe": {"queue": "waiting"},
    "shopify_auth.handle_webhook": {"queue": "stores"},
    "shopify_auth.keep_shop_access": {"queue": "stores"},
    "shopify_auth.bring_in_line": {"queue": "stores"},
    "shopify_auth.compare_store": {"queue": "stores"},
    "shopify_auth.read_store": {"queue": "stores"},
}

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "shopify_auth.sweep_billing": {"task": "shopify_auth.sweep_billing", "schedule": 60.0},
    "shopify_auth.compare_billing": {
        "task": "shopify_auth.compare_billing",
        "schedule": crontab(hour="1-5", minute="*/10"),
    },
    "generations.send_polls": {"task": "generations.send_polls", "schedule": 5.0},
    "generations.probe": {"task": "generations.probe", "schedule": 60.0},
    "generations.forget_conversations": {
        "task": "generations.forget_conversations",
        "schedule": crontab(hour="4", minute="37"),
    },
    "generations.tell_staff": {"task": "generations.tell_staff", "schedule": 60.0},
    "generations.sweep": {"task": "generations.sweep", "schedule": 15.0},
    "generations.sweep_batches": {"task": "generations.sweep_batches", "schedule": 60.0},
    "generations.sweep_files": {
        "task": "generations.sweep_files",
        "schedule": crontab(hour="4", minute="7"),
    },
    "generations.sweep_results": {
        "task": "generations.sweep_results",
        "schedule": crontab(hour="3", minute="47"),
    },
    "credits.sweep": {"task": "credits.sweep", "schedule": 60.0},
    "shopify_auth.sweep": {"task": "shopify_auth.sweep", "schedule": 5.0},
    "shopify_auth.keep_access": {
        "task": "shopify_auth.keep_access",
        "schedule": crontab(hour="2", minute="41"),
    },
    "shopify_auth.read_stores": {
        "task": "shopify_auth.read_stores",
        "schedule": crontab(hour="5", minute="23"),
    },
    "credits.check_ledger": {
        "task": "credits.check_ledger",
        "schedule": crontab(hour="3", minute="17"),
    },
}
