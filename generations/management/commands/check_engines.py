"""`manage.py check_engines`: what runs each tool, and what is missing where nothing does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generations import engine_standing


class Command(BaseCommand):
    """Exit 1 when an engine that a tool is routed to cannot run it."""

    help = "Lists each tool with its engine, model and label; exit 1 when a routed one cannot run."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for tool in engine_standing.read():
            if tool.available:
                what = f"{tool.wanted:<8}{tool.model}, {tool.label}"
            elif tool.fault or tool.paused_at:
                faults += 1
                what = f"CANNOT RUN  {tool.reason} {tool.fault}".rstrip()
            else:
                what = f"-       {tool.reason}"
            self.stdout.write(f"{tool.tool:<24}{what}")
        if faults:
            raise CommandError(f"{faults} tools cannot run on the engine they are routed to.")
