"""What `scripts/run` runs once the packages are there: the whole product on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from scripts.run_options import Options, parse
from scripts.servers.valkey import PrivateValkey
from scripts.supervisor import Program, ProgramEndedError, Supervisor

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "var"
# Downloaded once and the same for everybody, so fresh demo data keeps them.
KEPT_BY_RESET = {"demo_photos"}
LEAST_FREE_MEGABYTES = 200
STARTED_WITHIN_SECONDS = 60
# Everything here is this machine's own. A shell that is set up for another project, or for
# production, must not lead the demo store to that database.
MACHINE_OWN = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "REDIS_URL",
    "STORAGE_URL",
    "DJANGO_SETTINGS_MODULE",
)
WORKER_AS_ROOT = "You're running the worker with superuser privileges"


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the repository's lock, so that two starts never share one data folder."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"scripts/run is already running in {ROOT}. End it first (Ctrl-C there).")
    try:
        yield
    finally:
        os.close(folder)


def prepare_data_folder(*, reset: bool) -> None:
    """Make var/, empty it if asked to, and see that the disk has room for pictures."""
    if reset and DATA.exists():
        for entry in DATA.iterdir():
            if entry.name in KEPT_BY_RESET:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    try:
        DATA.mkdir(exist_ok=True)
    except OSError as error:
        sys.exit(f"{DATA} cannot be made: {error.strerror}. Clone the repository as this user.")
    if not os.access(DATA, os.W_OK):
        sys.exit(f"{DATA} belongs to another user. Start as that user, or clone it again.")
    free = shutil.disk_usage(DATA).free // 2**20
    if free < LEAST_FREE_MEGABYTES:
        sys.exit(f"Only {free} MB are free on the disk of {DATA}. Free some space first.")


def environment(options: Options, valkey: PrivateValkey) -> dict[str, str]:
    """The settings of all programs: this shell's, but for what is this machine's own."""
    settings = {name: value for name, value in os.environ.items() if name not in MACHINE_OWN}
    if options.fake_google:
        settings |= google_of(options)
    return settings | {
        "DEBUG": "on",
        "APP_URL": f"http://localhost:{options.port}",
        "DEV_STORE": f"http://127.0.0.1:{options.shopify_port}",
        "DATA_DIR": str(DATA),
        "DATABASE_URL": f"sqlite:///{quote(str(DATA / 'db.sqlite3'))}",
        "STORAGE_URL": f"file://{quote(str(DATA / 'files'))}",
        "CELERY_BROKER_URL": valkey.url(database=0),
        "REDIS_URL": valkey.url(database=1),
        "PYTHONUNBUFFERED": "1",
    }


def google_of(options: Options) -> dict[str, str]:
    """Settings that send every tool of Google's to the fake, whatever this shell has."""
    address = f"http://127.0.0.1:{options.google_port}"
    return {
        "GEMINI_API_KEY": "any-key-for-the-fake",
        "GOOGLE_GEMINI_BASE_URL": address,
        "GOOGLE_CLOUD_PROJECT": "",
        "TOOL_ENGINES": "",
        "GOOGLE_POLL_EVERY": "2",
    }


def python(name: str, *arguments: str, settings: dict[str, str]) -> Program:
    """A program of this virtual environment."""
    return Program(name, [sys.executable, *arguments], settings)


def programs(options: Options, settings: dict[str, str]) -> list[Program]:
    """Web, workers, scheduler and the fake Shopify admin."""
    celery = ("-m", "celery", "-A", "ecomvance_app", "--quiet")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
    worker_settings = dict(settings)
    if os.geteuid() == 0:
        # Celery warns root because of pickled messages; this project's are JSON.
        worker_settings["PYTHONWARNINGS"] = f"ignore:{WORKER_AS_ROOT}"
    return [
        python(
            "web",
            *("-m", "uvicorn", "ecomvance_app.asgi:application"),
            *("--host", "127.0.0.1", "--port", str(options.port)),
            # Pages keep a stream open for live updates; without a limit it would hold up the end.
            *("--timeout-graceful-shutdown", "1"),
            # Addresses carry signed links and tickets, which do not belong into logs.
            "--no-access-log",
            *("--lifespan", "off"),
            settings=settings,
        ),
        # Engines fill the processors; the other work mostly waits for answers, of stores above all.
        # One heavy job a process, so that no process needs the memory of two.
        *(
            python(
                name,
                *(*celery, "worker", "-n", f"{name}@%h", "-Q", queues),
                *("-P", "threads", "-c", threads, *quiet),
                settings=worker_settings,
            )
            for name, queues, threads in (
                ("engines", "engines,waiting", "1"),
                ("engines-2", "engines,waiting", "1"),
                ("worker", "stores,default,celery", "8"),
            )
        ),
        python("beat", *celery, "beat", "-s", str(DATA / "beat-schedule"), settings=settings),
        python(
            "shopify",
            "manage.py",
            "devstore",
            "--port",
            str(options.shopify_port),
            settings=settings,
        ),
        *(
            [
                python(
                    "google",
                    *("-m", "generations.engines.fake_google", "--port", str(options.google_port)),
                    settings=settings,
                )
            ]
            if options.fake_google
            else []
        ),
    ]


def answers(address: str) -> bool:
    """Whether a server answers there at all."""
    try:
        with urlopen(address, timeout=2):  # noqa: S310  Always this machine's own http address.
            return True
    except (URLError, TimeoutError, ConnectionError) as error:
        # An error page is an answer too.
        return hasattr(error, "code")


async def until_answered(address: str) -> None:
    """Wait for a server that was just started."""
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while not await asyncio.to_thread(answers, address):
        if time.monotonic() > deadline:
            raise ProgramEndedError(f"{address} did not answer in {STARTED_WITHIN_SECONDS} s.")
        await asyncio.sleep(0.1)


async def announcement(options: Options, log_ins: str) -> str:
    """The addresses, each on a line of its own, once they can be opened."""
    web = f"http://localhost:{options.port}"
    shopify = f"http://127.0.0.1:{options.shopify_port}"
    await until_answered(f"http://127.0.0.1:{options.port}/healthz")
    await until_answered(f"{shopify}/")
    google = ""
    if options.fake_google:
        address = f"http://127.0.0.1:{options.google_port}"
        await until_answered(f"{address}/")
        google = f"Fake Google  {address}\n"
    return (
        f"\nWeb dashboard  {web}/dashboard/\n"
        f"Shopify admin  {shopify}/\n"
        f"Staff admin  {web}/staff/\n"
        f"{google}"
        f"{log_ins.rstrip()}\n\nCtrl-C ends everything.\n"
    )


async def run_everything(options: Options, supervisor: Supervisor) -> None:
    """Start everything in order and keep it up. Raises ProgramEndedError when a program ends."""
    valkey = PrivateValkey()
    settings = environment(options, valkey)
    await supervisor.start(Program("valkey", valkey.command(), os.environ, valkey.configuration()))
    if not await asyncio.to_thread(valkey.answers):
        raise ProgramEndedError(f"Valkey did not answer on port {valkey.port}.")
    reset = ["--reset"] if options.reset else []
    log_ins = await supervisor.run(
        python("setup", "-m", "scripts.prepare_store", *reset, settings=settings)
    )
    for program in programs(options, settings):
        await supervisor.start(program)
    up = asyncio.create_task(supervisor.wait())
    ready = asyncio.create_task(announcement(options, log_ins))
    try:
        await asyncio.wait({up, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not up.done():
            supervisor.say(await ready)
        await up
    finally:
        ready.cancel()
        up.cancel()


async def main(options: Options) -> int:
    """Run until a signal (0) or until a program ends by itself (1); leave nothing behind."""
    supervisor = Supervisor()
    work = asyncio.create_task(run_everything(options, supervisor))
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(ending, work.cancel)
    code = 0
    try:
        await work
    except asyncio.CancelledError:
        supervisor.say("\nEnding ...")
    except ProgramEndedError as error:
        supervisor.say(f"\n{error} Everything else is ended too.")
        code = 1
    finally:
        await supervisor.stop()
    return code


if __name__ == "__main__":
    chosen = parse(sys.argv[1:])
    os.chdir(ROOT)
    with only_one():
        prepare_data_folder(reset=chosen.reset)
        sys.exit(asyncio.run(main(chosen)))
