"""What Google's models cost, as far as it was known in November 2026; staff change it in the admin.

Prices of a model that staff have entered already stay. A picture is priced by its output tokens, a
video by its seconds, in millionths of a USD.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

AS_OF = date(2026, 11, 22)
PRICES = (
    ("gemini-nano-banana-2.1", "candidates_token_count", 30),
    ("gemini-3-pro-image", "candidates_token_count", 120),
    ("gemini-omni-1.2-flash", "video_seconds", 70_000),
    ("veo-3.1-generate-001", "video_seconds", 400_000),
    ("veo-3.1-fast-generate-001", "video_seconds", 150_000),
    ("veo-3.1-lite-generate-001", "video_seconds", 80_000),
)


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The upper end where sources differ: a cap that stops early is the smaller mistake."""
    database = schema_editor.connection.alias
    prices = apps.get_model("generations", "UsagePrice").objects.using(database)
    for model, unit, micro_usd in PRICES:
        prices.get_or_create(
            engine="google",
            model=model,
            unit=unit,
            defaults={"micro_usd": Decimal(micro_usd), "as_of": AS_OF},
        )


class Migration(migrations.Migration):
    dependencies = (("generations", "0015_staff_notices"),)
    operations = (migrations.RunPython(seed, migrations.RunPython.noop),)
