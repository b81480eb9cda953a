"""The groups, with the defaults for every account."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from ecomvance_app.staff import rights


def write_groups(apps: Any, _schema_editor: Any) -> None:
    rights.write_groups(apps)


class Migration(migrations.Migration):
    dependencies = [("ecomvance_app", "0004_limits_in_groups")]

    operations = [migrations.RunPython(write_groups, migrations.RunPython.noop)]
