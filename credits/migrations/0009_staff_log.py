"""Moves Django's log of the staff admin into the record of acts, and leaves its words behind."""

from __future__ import annotations

from typing import Any

from django.db import migrations

ACTS = {1: "added", 2: "changed", 3: "deleted"}


def move_log(apps: Any, schema_editor: Any) -> None:
    """One act for each row of the log: who, what and when, without the names it kept."""
    database = schema_editor.connection.alias
    log = apps.get_model("admin", "LogEntry").objects.using(database)
    act = apps.get_model("credits", "StaffAct")
    rows = log.select_related("content_type").order_by("pk").iterator(chunk_size=1000)
    moved = (
        act(
            at=row.action_time,
            staff_id=row.user_id,
            act=ACTS.get(row.action_flag, "changed"),
            subject=f"{row.content_type.app_label}.{row.content_type.model}"
            if row.content_type
            else "",
            subject_id=(row.object_id or "")[:64],
        )
        for row in rows
    )
    act.objects.using(database).bulk_create(moved, batch_size=1000)
    log.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0008_staff_acts"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(move_log, migrations.RunPython.noop)]
