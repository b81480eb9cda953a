"""The cache, which holds counts and joined messages and nothing that anybody would miss."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# While Redis is away it is asked again this often; a request never waits for it twice.
QUIET_SECONDS = 1.0


class ForgetfulRedisCache(RedisCache):
    """Django's Redis cache, empty while Redis is away instead of failing.

    So sign-in, sign-up and reset work and limits let everybody through: they spare us runaway
    programs, the ledger needs none of them. An outage is logged once, however long it lasts.
    """

    _servers: list[str]
    # Django makes a cache for each thread; of an outage all of them know. By address, until when.
    _away: ClassVar[dict[str, float]] = {}

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the key was new; always so in an outage."""
        return bool(self._ask(super().add, *args, absent=True, **kwargs))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, or `default`."""
        return self._ask(super().get, key, default, version=version, absent=default)

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Keep a value."""
        self._ask(super().set, *args, absent=None, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the key was there to be kept for longer."""
        return bool(self._ask(super().touch, *args, absent=False, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the key was there to be deleted."""
        return bool(self._ask(super().delete, *args, absent=False, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        """The values that are there, by key."""
        values: dict[Any, Any] = self._ask(super().get_many, *args, absent={}, **kwargs)
        return values

    def set_many(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Keep values; returns the keys that were not kept."""
        failed: list[Any] = self._ask(super().set_many, *args, absent=[], **kwargs)
        return failed

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        """Delete keys."""
        self._ask(super().delete_many, *args, absent=None, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the key is there."""
        return bool(self._ask(super().has_key, *args, absent=False, **kwargs))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """The raised count; in an outage every count is the first one."""
        return int(self._ask(super().incr, key, delta, version=version, absent=delta))

    def clear(self) -> None:
        """Forget everything."""
        self._ask(super().clear, absent=None)

    def _ask(self, ask: Callable[..., Any], *args: Any, absent: Any, **kwargs: Any) -> Any:
        """Redis' answer, or `absent` while it is away."""
        address = self._servers[0]
        if time.monotonic() < self._away.get(address, 0.0):
            return absent
        try:
            answer = ask(*args, **kwargs)
        except (RedisError, OSError) as error:
            was_there = address not in self._away
            self._away[address] = time.monotonic() + QUIET_SECONDS
            if was_there:
                logger.warning("Cache away, limits let everybody through: %s", error)
            return absent
        self._away.pop(address, None)
        return answer
