"""Runs several programs as one: their lines with a prefix, one end for all.

Every program leads a session of its own, so that Ctrl-C reaches only the supervisor. It asks the
programs themselves to end, not their groups (a worker's children would die in the middle of a
task), and kills what is left of a group afterwards.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scripts.servers.processes import die_with_parent, signal_group

STOP_SECONDS = 8
GLANCE_SECONDS = 0.2
LONGEST_LINE = 1 << 20
COLOURS = ("36", "32", "33", "35", "34", "31")


class ProgramEndedError(RuntimeError):
    """A program that should run for ever has ended; the message is a sentence for the terminal."""


@dataclass(frozen=True)
class Program:
    """One program: its name is the prefix of its lines."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    # Written to its standard input, which is then closed.
    text_input: bytes = b""


@dataclass
class Supervisor:
    """Starts programs in turn and ends them all, the last one first."""

    name_width: int = 8
    _is_read: bool = True
    _running: dict[str, Process] = field(default_factory=dict)
    _readers: set[asyncio.Task[None]] = field(default_factory=set)
    _colours: dict[str, str] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print a line at once. When nobody reads the output any more, `wait` ends."""
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self._is_read = False
            # Later lines, and Python's own flush at the end, go nowhere instead of failing.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    async def start(self, program: Program) -> None:
        """Start a program that is meant to run until the end."""
        self._running[program.name] = await self._launch(program)

    async def run(self, program: Program) -> str:
        """Run a program to its end; its standard output is returned, its errors are shown.

        Raises ProgramEndedError unless it succeeds.
        """
        process = await self._launch(program, capture=True)
        self._running[program.name] = process
        assert process.stdout is not None  # noqa: S101  A pipe was asked for.
        output = (await process.stdout.read()).decode(errors="replace")
        code = await process.wait()
        del self._running[program.name]
        if code:
            self.say(output)
            raise ProgramEndedError(f"{program.name} {how_it_ended(code)}, see above.")
        return output

    async def wait(self) -> None:
        """Wait for ever.

        Raises ProgramEndedError when one of the programs ends by itself, or when nobody reads the
        output any more, as after `scripts/run | head`.
        """
        while all(process.returncode is None for process in self._running.values()):
            await asyncio.sleep(GLANCE_SECONDS)
            if not self._is_read:
                raise ProgramEndedError("Nobody reads the output any more.")
        name, code = next(
            (name, process.returncode)
            for name, process in self._running.items()
            if process.returncode is not None
        )
        await asyncio.sleep(GLANCE_SECONDS)  # Its last lines are still on their way.
        raise ProgramEndedError(f"{name} {how_it_ended(code)} while it was needed.")

    async def stop(self) -> None:
        """End all programs; those that others lean on were started first and end last."""
        first, *others = list(self._running) or [""]
        await asyncio.gather(*(self._end(name) for name in others))
        if first:
            await self._end(first)
        await asyncio.gather(*self._readers)

    async def _launch(self, program: Program, *, capture: bool = False) -> Process:
        self._colours.setdefault(program.name, COLOURS[len(self._colours) % len(COLOURS)])
        process = await asyncio.create_subprocess_exec(
            *program.command,
            env=program.environment,
            stdin=subprocess.PIPE if program.text_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if capture else subprocess.STDOUT,
            limit=LONGEST_LINE,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        if process.stdin is not None:
            process.stdin.write(program.text_input)
            process.stdin.close()
        lines = process.stderr if capture else process.stdout
        assert lines is not None  # noqa: S101  A pipe was asked for.
        reader = asyncio.create_task(self._show(program.name, lines))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return process

    async def _end(self, name: str) -> None:
        process = self._running.pop(name)
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    # Not process.wait(), which goes on while a child of its own holds the pipe.
                    while process.returncode is None:
                        await asyncio.sleep(GLANCE_SECONDS / 4)
            except TimeoutError:
                self.say(f"{name} did not end in {STOP_SECONDS} s and is killed.")
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    async def _show(self, name: str, lines: asyncio.StreamReader) -> None:
        prefix = f"{name:{self.name_width}} | "
        if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
            prefix = f"\x1b[{self._colours[name]}m{prefix}\x1b[0m"
        while line := await lines.readline():
            self.say(f"{prefix}{line.decode(errors='replace').rstrip()}")


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
