"""Replaces the text of idempotency keys by its digest; a repetition still finds its run."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import migrations, models

AT_ONCE = 1000


def keep_digests(apps: Any, schema_editor: Any) -> None:
    """Every run's key, in steps, so that no single statement holds the whole table."""
    runs = apps.get_model("generations", "Generation").objects.using(schema_editor.connection.alias)
    last = None
    while True:
        later = runs.order_by("pk").only("pk", "key")
        batch = list((later if last is None else later.filter(pk__gt=last))[:AT_ONCE])
        if not batch:
            return
        for run in batch:
            run.key = hashlib.sha256(run.key.encode(errors="surrogatepass")).hexdigest()
        runs.bulk_update(batch, ["key"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("generations", "0004_suspected_at")]

    operations = [
        migrations.AlterField(
            model_name="generation",
            name="key",
            field=models.CharField(
                help_text="A digest of the idempotency key; its text is not kept.", max_length=150
            ),
        ),
        migrations.RunPython(keep_digests, migrations.RunPython.noop),
    ]
