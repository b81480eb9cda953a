"""Runs one call over and over in several processes at once and measures them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

Call = Callable[[int], None]
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: operations per second, and three times in milliseconds.

    `p99` is what 99 of 100 calls stayed within, `p50` half of them, `processor` what one operation took of the clients'
    own processor time, all threads together.
    """

    rate: float
    p99: float
    processor: float
    p50: float


def measure(
    open_client: Callable[[int], Call], clients: int, seconds: float, weight: int = 1
) -> Measured:
    """Let `clients` processes call for so many seconds.

    `open_client` is called in each process with its number and returns the call, which gets a
    running number; `weight` is how many operations one call makes.
    """
    connections.close_all()  # A connection must not be shared over a fork.
    fork = multiprocessing.get_context("fork")
    start, processes = fork.Barrier(clients), []
    for number in range(clients):
        receiver, sender = fork.Pipe(duplex=False)
        arguments = (open_client, number, start, seconds, sender)
        process = fork.Process(target=_work, args=arguments, daemon=True)
        process.start()
        processes.append((process, receiver))
    answers = [receiver.recv() for _, receiver in processes]
    for process, _ in processes:
        process.join()
    latencies = sorted(latency for _, _, found in answers for latency in found)
    rate = sum(weight * len(found) / elapsed for elapsed, _, found in answers)
    worked = sum(processor for _, processor, _ in answers)
    return Measured(
        rate,
        1_000 * latencies[int(len(latencies) * 0.99)],
        1_000 * worked / (weight * len(latencies)),
        1_000 * latencies[len(latencies) // 2],
    )


def _work(
    open_client: Callable[[int], Call], number: int, start: Any, seconds: float, sender: Any
) -> None:
    call = open_client(number)
    for warming in range(WARM_UP):
        call(warming)
    start.wait()
    latencies = []
    worked = time.process_time()
    began = last = time.perf_counter()
    turn = WARM_UP
    while last - began < seconds:
        call(turn)
        now = time.perf_counter()
        latencies.append(now - last)
        last, turn = now, turn + 1
    sender.send((last - began, time.process_time() - worked, latencies))
    connections.close_all()
