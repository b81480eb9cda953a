"""The product as README's Production starts it, with a service manager that restarts what ends."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from scripts.servers.postgres import PrivatePostgres
from scripts.servers.processes import die_with_parent, end
from scripts.servers.valkey import PrivateValkey, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "app.example.com"
GLANCE_SECONDS = 0.1
RESTARTED_AFTER_SECONDS = 0.5


@dataclass
class Service:
    """One program that is started again whenever it ends, as by systemd's Restart=always."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    unexpected: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _is_struck: bool = False

    def start(self) -> None:
        """Start it, its output at the end of its log."""
        self._is_struck = False
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  It only calls prctl.
            )

    def strike(self, blow: signal.Signals) -> None:
        """Send it a signal; an end by one of ours is no fault of its own."""
        if self._process is not None and self._process.poll() is None:
            self._is_struck |= blow in {signal.SIGKILL, signal.SIGTERM}
            self._process.send_signal(blow)

    def look_after(self) -> None:
        """Start it again if it has ended; an end that nobody caused is remembered by its code."""
        if self._process is None or (code := self._process.poll()) is None:
            return
        if not self._is_struck:
            self.unexpected.append(code)
        time.sleep(RESTARTED_AFTER_SECONDS)
        self.start()

    def stop(self) -> None:
        """End it for good."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            end(self._process, signal.SIGTERM, within_seconds=5)


class Product:
    """Database, broker and the four programs, on this machine alone."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.files = folder / "files"
        self.postgres = PrivatePostgres(durable=True)
        self.valkey = PrivateValkey()
        self._folder = folder
        self._is_over = threading.Event()
        self._manager = threading.Thread(target=self._manage, daemon=True)
        self.services: list[Service] = []

    def prepare(self) -> None:
        """Start the servers and set this process up as one of the product's own."""
        self.postgres.start()
        self.valkey.start()
        weights = ROOT / "var" / "weights"
        if weights.is_dir():
            (self._folder / "weights").symlink_to(weights)
        # This process looks at the database when all is over and needs no pool for it.
        os.environ |= self._settings() | {"DATABASE_POOL": "off"}

    def start(self) -> None:
        """Start the programs and the one that restarts them."""
        worker = ("-m", "celery", "-A", "ecomvance_app", "worker", "-P", "threads", "-l", "WARNING")
        programs = {
            "web": [
                *("-m", "uvicorn", "ecomvance_app.asgi:application", "--port", str(self.port)),
                *("--no-access-log", "--lifespan", "off", "--log-level", "warning"),
                *("--timeout-graceful-shutdown", "2"),
            ],
            "engines": [*worker, "-n", "engines@%h", "-Q", "engines,waiting", "-c", "2"],
            "default": [*worker, "-n", "default@%h", "-Q", "stores,default,celery", "-c", "4"],
            "beat": [
                *("-m", "celery", "-A", "ecomvance_app", "beat", "-l", "WARNING"),
                *("-s", str(self._folder / "beat-schedule"), "--pidfile", ""),
            ],
        }
        environment = dict(os.environ) | {
            "DATABASE_POOL": "on",
            # Celery warns root because of pickled messages; this project's are JSON.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        }
        for name, arguments in programs.items():
            log = self._folder / f"{name}.log"
            self.services.append(Service(name, arguments, environment, log))
        for service in self.services:
            service.start()
        self._manager.start()

    def stop(self) -> None:
        """End everything; what was stored stays in the folder."""
        self._is_over.set()
        if self._manager.is_alive():
            self._manager.join()
        for service in self.services:
            service.stop()
        self.valkey.stop()
        self.postgres.remove()

    def _manage(self) -> None:
        while not self._is_over.wait(GLANCE_SECONDS):
            for service in self.services:
                service.look_after()

    def _settings(self) -> dict[str, str]:
        return {
            "DEBUG": "off",
            "APP_URL": f"https://{HOST}",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "TOKEN_KEYS": Fernet.generate_key().decode(),
            "IDENTITY_KEY": secrets.token_urlsafe(32),
            "SHOPIFY_API_KEY": "storm-client-id",
            "SHOPIFY_API_SECRET": secrets.token_urlsafe(32),
            "DATABASE_URL": self.postgres.url(),
            "REDIS_URL": self.valkey.url(1),
            "CELERY_BROKER_URL": self.valkey.url(0),
            "STORAGE_URL": f"file://{self.files}",
            "DATA_DIR": str(self._folder),
            "DJANGO_SETTINGS_MODULE": "ecomvance_app.settings",
            "PYTHONUNBUFFERED": "1",
            "DEV_STORE": "",
            "SENTRY_DSN": "",
        }
