"""Processes that are released together, each with a connection of its own, as the workers are."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import connections

Racer = Callable[[], Any]


def race(racers: Sequence[Racer]) -> list[Any]:
    """What each racer returned, or the name of the exception that ended it; "lost" without answer."""
    connections.close_all()  # A connection must not be shared over a fork.
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(len(racers)), []
    for racer in racers:
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=run, args=(racer, start, sender), daemon=True)
        process.start()
        sender.close()  # The racer alone holds its end, so its death is the end of the pipe.
        results.append((process, receiver))
    answers = [answer_of(receiver) for _, receiver in results]
    for process, receiver in results:
        process.join()
        receiver.close()
    return answers


def answer_of(receiver: Any) -> Any:
    try:
        return receiver.recv()
    except EOFError:
        return "lost"


def run(racer: Racer, start: Any, sender: Any) -> None:
    connections["default"].ensure_connection()
    start.wait()
    try:
        answer = racer()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
        answer = type(error).__name__
    sender.send(answer)
    connections.close_all()


def crowd(number: int, racer: Callable[[int], Any]) -> list[Racer]:
    """So many racers, each with a number of its own."""
    return [partial(racer, n) for n in range(number)]
