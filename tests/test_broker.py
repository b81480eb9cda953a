"""A worker that loses Redis while it holds messages closes its connection and goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kombu import Consumer, Queue

from ecomvance_app.celery import app
from scripts.servers.valkey import PrivateValkey


@pytest.fixture
def broker() -> Iterator[PrivateValkey]:
    valkey = PrivateValkey()
    valkey.start()
    yield valkey
    valkey.stop()


def test_a_lost_connection_with_messages_that_are_held_can_be_closed(broker: PrivateValkey) -> None:
    """As Celery's consumer does it: collect what is open, then close what is left."""
    held: list[object] = []
    connection = app.connection_for_read(broker.url())
    queue = Queue("default")
    app.send_task("credits.sweep", connection=app.connection_for_write(broker.url()))
    consumer = Consumer(
        connection, [queue], callbacks=[lambda _body, message: held.append(message)]
    )
    consumer.consume()
    # As the worker's remote control, on a channel of its own that is closed first.
    Consumer(connection.channel(), [Queue("control")]).consume()
    connection.drain_events(timeout=5)
    # It waits for the next one when the broker dies.
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.2)
    broker.stop()
    connection.collect(socket_timeout=1)
    connection.close()
    assert len(held) == 1
