"""Product titles are found by their words, in as much time as by a number."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

NAME = "generation_title_words"


def index_titles(_apps: Any, schema_editor: Any) -> None:
    """PostgreSQL's own index of words, which needs no extension; SQLite reads through the rows."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE INDEX {NAME} ON generations_generation"
            " USING gin (to_tsvector('simple', product_title)) WHERE product_title <> ''"
        )


def drop_index(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {NAME}")


class Migration(migrations.Migration):
    dependencies = [("generations", "0010_edited_texts")]

    operations = [
        migrations.RunPython(index_titles, drop_index),
        migrations.AddIndex(
            "generation",
            models.Index(
                fields=["finished_at"],
                name="generation_failures",
                condition=models.Q(state="failed"),
            ),
        ),
    ]
