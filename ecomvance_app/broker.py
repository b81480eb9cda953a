"""What keeps a worker alive when Redis goes away while it holds messages."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class ForgivingQoS(redis.QoS):
    """Gives messages that were not worked off back to Redis, unless its connection is gone.

    Kombu 5.7 tries all the same, finds no address to connect to, and its AttributeError ends the
    worker. What is not given back is sent again by the sweeps.
    """

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Give back what is left when a channel is closed."""
        # Its types say that both are always there.
        connection: Any = self.channel.connection
        if connection is None or connection.client is None:
            self.restore_at_shutdown = False
        super().restore_unacked_once(stderr)


def forgive_lost_connections() -> None:
    """Have all channels to Redis use it."""
    redis.Channel.QoS = ForgivingQoS
