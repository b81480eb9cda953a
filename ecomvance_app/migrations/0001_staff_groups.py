"""The groups support, finance and admin, as `ecomvance_app.staff.rights` has them."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from ecomvance_app.staff import rights


def write_groups(apps: Any, _schema_editor: Any) -> None:
    rights.write_groups(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("credits", "0014_staff_corrections_and_incidents"),
        ("generations", "0001_initial"),
        ("shopify_auth", "0001_initial"),
    ]

    operations = [migrations.RunPython(write_groups, migrations.RunPython.noop)]
