"""`manage.py check_engines`: what runs each tool, and what is missing where nothing does.

Where credentials of Google are set, Google is asked whether it takes them and has the models.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generations import engine_standing
from generations.engines.google import checking


class Command(BaseCommand):
    """Exit 1 when an engine that a tool is routed to cannot run it, or Google refuses a model."""

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
        refused = 0
        for answer in checking.ask_about_models():
            refused += bool(answer.fault)
            said = answer.fault or "Google accepts our credentials and has the model."
            self.stdout.write(f"{answer.model:<24}{answer.used_for}: {said}")
        if faults:
            raise CommandError(f"{faults} tools cannot run on the engine they are routed to.")
        if refused:
            raise CommandError(
                f"Google refuses {refused} models with the credentials that are set."
            )
