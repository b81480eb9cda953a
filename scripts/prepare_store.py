"""Brings database, photos and demo store up to date, in one process to save seconds.

Standard output is the demo log-ins, for `scripts/run` to print; all else goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import Error as DatabaseError

from ecomvance_app.wheel_files import WheelFileError
from shopify_auth.devstore.catalogue import make_photos


def prepare(*, reset: bool) -> None:
    """Migrate, fetch the demo photos, open the demo store.

    Repeating it is harmless. Without a network the demo store has its drawings.
    """
    call_command("migrate", verbosity=0, interactive=False, stdout=sys.stderr)
    try:
        make_photos()
    except WheelFileError as error:
        sys.stderr.write(f"The demo store lacks its photographs: {error}\n")
    call_command("demo_store", reset=reset)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--reset", action="store_true")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")
    try:
        django.setup()
        prepare(reset=parser.parse_args().reset)
    except (CommandError, DatabaseError, ImproperlyConfigured) as error:
        sys.exit(f"The demo store cannot be set up: {error}")
