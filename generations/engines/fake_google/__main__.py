"""`python -m generations.engines.fake_google --port 8790`: the fake alone, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import sys

from generations.engines.fake_google.markers import as_markdown
from generations.engines.fake_google.server import FakeGoogleServer


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A fake of Google's generative AI services.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--markers", action="store_true", help="print the markers as Markdown")
    arguments = parser.parse_args()
    if arguments.markers:
        sys.stdout.write(as_markdown())
        return
    server = FakeGoogleServer(arguments.port)
    server.start()
    sys.stdout.write(f"Fake Google  {server.base_url}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.wait()


if __name__ == "__main__":
    main()
