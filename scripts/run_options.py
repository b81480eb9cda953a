"""Options of `scripts/run`, checked with nothing but the standard library before any installing."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Options:
    """Where the product listens, whether it starts over with fresh demo data, and what it fakes."""

    port: int
    reset: bool
    fake_google: bool = False

    @property
    def shopify_port(self) -> int:
        """The fake Shopify's: another port and host name make it another site for browsers."""
        return self.port + 1

    @property
    def google_port(self) -> int:
        """The fake Google's, where it is asked for."""
        return self.port + 2

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that has to be free."""
        return (self.port, self.shopify_port, *([self.google_port] if self.fake_google else []))


def port_number(text: str) -> int:
    """A port that leaves room for the fakes', one and two above."""
    if text.isdecimal() and 0 < int(text) < HIGHEST_PORT - 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port between 1 and {HIGHEST_PORT - 2}")


def obstacle(port: int) -> str:
    """What keeps this machine from serving on the port, "" when nothing does."""
    # A browser may take localhost for ::1, so a program that listens only there is in the way too.
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.settimeout(1)
                if probe.connect_ex((host, port)) == 0:
                    return "another program uses it"
        except OSError:
            continue  # No IPv6 on this machine.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def parse(arguments: Sequence[str]) -> Options:
    """The options; ends the program with a sentence when one is wrong or a port is taken."""
    parser = argparse.ArgumentParser(
        prog="scripts/run",
        description="Start web, worker, scheduler and the fake Shopify admin on this machine. "
        "Data is kept in var/ from one start to the next.",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        default=8000,
        help="the web dashboard's port; the Shopify admin takes the next one (default: 8000)",
    )
    parser.add_argument("--reset", action="store_true", help="start over with fresh demo data")
    parser.add_argument(
        "--fake-google",
        action="store_true",
        help="start a fake of Google's AI services too, two ports above, and send tools there",
    )
    options = Options(**vars(parser.parse_args(arguments)))
    for port in options.ports:
        if reason := obstacle(port):
            sys.exit(
                f"Port {port} cannot be used: {reason}. End that program, or choose other ports: "
                f"scripts/run --port {options.port + 10}"
            )
    return options


if __name__ == "__main__":
    parse(sys.argv[1:])
