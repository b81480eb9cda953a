from __future__ import annotations

import contextlib
import socket

import pytest

from scripts.run_options import Options, parse
from scripts.servers.valkey import free_port


def listener(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    server = socket.socket(family)
    server.bind((host, port))
    server.listen()
    return server


def two_free_ports() -> int:
    """The first of two neighbours that nobody listens on."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port + 1))
            return port


def test_defaults():
    port = two_free_ports()

    assert parse(["--port", str(port)]) == Options(port=port, reset=False)


@pytest.mark.parametrize("offset", [0, 1])
def test_a_busy_port_is_named(offset):
    port = two_free_ports()

    with (
        listener(socket.AF_INET, "127.0.0.1", port + offset),
        pytest.raises(SystemExit, match=f"Port {port + offset} cannot be used: another program"),
    ):
        parse(["--port", str(port)])


@pytest.mark.skipif(not socket.has_ipv6, reason="build Python with IPv6 to run this")
def test_a_program_on_the_other_loopback_is_in_the_way():
    port = two_free_ports()

    with (
        listener(socket.AF_INET6, "::1", port),
        pytest.raises(SystemExit, match="another program uses it"),
    ):
        parse(["--port", str(port)])


@pytest.mark.parametrize("text", ["0", "65534", "-1", "web", "8000.5"])
def test_what_is_no_port_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        parse([f"--port={text}"])

    assert "is not a port" in capsys.readouterr().err


def test_the_fake_google_takes_the_port_after_the_fake_shopifys():
    options = Options(port=8000, reset=False, fake_google=True)

    assert options.ports == (8000, 8001, 8002)
    assert Options(port=8000, reset=False).ports == (8000, 8001)
