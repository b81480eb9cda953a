from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from scripts.supervisor import Program, ProgramEndedError, Supervisor

WITHIN_SECONDS = 60
FOR_EVER = "import time; time.sleep(60)"
# A child of the program's own, in its group, whose id goes to the file named in the environment.
WITH_CHILD = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(os.environ["CHILD"]).write_text(str(child.pid))
time.sleep(60)
"""
CHATTY = """
import time
while True:
    print("still here", flush=True)
    time.sleep(0.05)
"""
# Says in the file named in the environment that it has made up its mind about signals.
DEAF = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(os.environ["UP"]).touch()
time.sleep(60)
"""


def program(name: str, code: str, text_input: bytes = b"", **environment: str) -> Program:
    return Program(
        name, [sys.executable, "-c", code], {**os.environ, **environment}, text_input=text_input
    )


def is_alive(pid: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    # A dead process stays listed until somebody waits for it.
    return bool(state.strip()) and not state.startswith("Z")


def until(condition) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestLines:
    def test_carry_the_name_of_the_program(self, capsys):
        async def scenario():
            supervisor = Supervisor()
            await supervisor.start(program("web", "print('first'); print('second')"))
            with pytest.raises(ProgramEndedError):
                await supervisor.wait()
            await supervisor.stop()

        asyncio.run(scenario())

        assert capsys.readouterr().out == "web      | first\nweb      | second\n"

    def test_errors_are_shown_too(self, capsys):
        async def scenario():
            supervisor = Supervisor()
            await supervisor.start(program("worker", "import sys; sys.stderr.write('oh')"))
            with pytest.raises(ProgramEndedError):
                await supervisor.wait()
            await supervisor.stop()

        asyncio.run(scenario())

        assert "worker   | oh\n" in capsys.readouterr().out


class TestOneProgramEnds:
    def test_is_named_with_its_exit_code(self):
        async def scenario():
            supervisor = Supervisor()
            await supervisor.start(program("web", FOR_EVER))
            await supervisor.start(program("beat", "raise SystemExit(3)"))
            try:
                await supervisor.wait()
            finally:
                await supervisor.stop()

        with pytest.raises(
            ProgramEndedError, match=r"beat ended with exit code 3 while it was needed"
        ):
            asyncio.run(scenario())

    def test_is_named_with_the_signal_that_killed_it(self):
        async def scenario():
            supervisor = Supervisor()
            await supervisor.start(
                program("worker", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
            )
            try:
                await supervisor.wait()
            finally:
                await supervisor.stop()

        with pytest.raises(ProgramEndedError, match=r"worker was killed by SIGKILL"):
            asyncio.run(scenario())


def test_ends_when_nobody_reads_its_lines_any_more():
    code = (
        "import asyncio, os, sys\n"
        "from scripts.supervisor import Program, ProgramEndedError, Supervisor\n"
        "async def scenario():\n"
        "    supervisor = Supervisor()\n"
        f"    await supervisor.start(Program('web', [sys.executable, '-c', {CHATTY!r}], os.environ))\n"
        "    try:\n"
        "        await supervisor.wait()\n"
        "    except ProgramEndedError:\n"
        "        await supervisor.stop()\n"
        "        sys.exit(7)\n"
        "asyncio.run(scenario())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"web      | still here\n"
        supervisor.stdout.close()

        assert supervisor.wait(timeout=WITHIN_SECONDS) == 7


class TestStop:
    def test_leaves_no_grandchild(self, tmp_path):
        child = tmp_path / "child"

        async def scenario():
            supervisor = Supervisor()
            await supervisor.start(program("worker", WITH_CHILD, CHILD=str(child)))
            await asyncio.to_thread(until, lambda: child.exists() and child.read_text())
            assert is_alive(int(child.read_text()))
            await supervisor.stop()

        asyncio.run(scenario())

        until(lambda: not is_alive(int(child.read_text())))

    def test_kills_what_does_not_listen(self, monkeypatch, capsys, tmp_path):
        monkeypatch.setattr("scripts.supervisor.STOP_SECONDS", 0.3)
        up = tmp_path / "up"

        async def scenario():
            supervisor = Supervisor()
            await supervisor.start(program("web", DEAF, UP=str(up)))
            await asyncio.to_thread(until, up.exists)
            await supervisor.stop()

        asyncio.run(scenario())

        assert "web did not end in 0.3 s and is killed." in capsys.readouterr().out

    def test_ends_the_first_program_last(self, capsys, tmp_path):
        last_words = (
            "import os, pathlib, signal, sys, time\n"
            "def end(*_): print('ends', flush=True); sys.exit()\n"
            "signal.signal(signal.SIGTERM, end)\n"
            "pathlib.Path(os.environ['UP']).touch()\n"
            "time.sleep(60)\n"
        )

        async def scenario():
            supervisor = Supervisor()
            for name in ("valkey", "web"):
                await supervisor.start(program(name, last_words, UP=str(tmp_path / name)))
                await asyncio.to_thread(until, (tmp_path / name).exists)
            await supervisor.stop()

        asyncio.run(scenario())

        lines = capsys.readouterr().out.splitlines()
        assert lines.index("web      | ends") < lines.index("valkey   | ends")

    @pytest.mark.skipif(sys.platform != "linux", reason="run it on Linux, which offers this")
    def test_programs_end_with_a_supervisor_that_was_killed(self, tmp_path):
        child = tmp_path / "child"
        code = (
            "import asyncio, os, sys\n"
            "from scripts.supervisor import Program, Supervisor\n"
            "async def scenario():\n"
            "    supervisor = Supervisor()\n"
            f"    command = [sys.executable, '-c', {WITH_CHILD!r}]\n"
            "    await supervisor.start(Program('web', command, os.environ))\n"
            "    await supervisor.wait()\n"
            "asyncio.run(scenario())\n"
        )

        async def scenario():
            supervisor = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, env={**os.environ, "CHILD": str(child)}
            )
            await asyncio.to_thread(until, lambda: child.exists() and child.read_text())
            parent = int(
                subprocess.run(
                    ["ps", "-o", "ppid=", "-p", child.read_text()],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            supervisor.send_signal(signal.SIGKILL)
            await supervisor.wait()
            return parent

        parent = asyncio.run(scenario())

        until(lambda: not is_alive(parent))
        os.kill(int(child.read_text()), signal.SIGKILL)


class TestRun:
    def test_returns_what_the_program_printed(self):
        async def scenario():
            return await Supervisor().run(
                program("setup", "import sys; print(sys.stdin.read())", text_input=b"log-ins")
            )

        assert asyncio.run(scenario()) == "log-ins\n"

    def test_a_failure_is_a_sentence(self, capsys):
        async def scenario():
            await Supervisor().run(program("setup", "import sys; sys.exit('no database')"))

        with pytest.raises(ProgramEndedError, match="setup ended with exit code 1, see above"):
            asyncio.run(scenario())
        assert "setup    | no database\n" in capsys.readouterr().out
