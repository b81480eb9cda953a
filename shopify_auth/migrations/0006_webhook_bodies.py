from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_bodies(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Nobody reads a body that fitted its topic: the store it names is in `subject`."""
    database = schema_editor.connection.alias
    deliveries = apps.get_model("shopify_auth", "WebhookDelivery").objects.using(database)
    deliveries.exclude(subject="").exclude(body="").update(body="")


class Migration(migrations.Migration):
    dependencies = [
        ("shopify_auth", "0005_reasons_and_clawbacks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="webhookdelivery",
            name="body",
            field=models.TextField(
                blank=True,
                help_text="Kept only when it did not fit its topic; emptied by redaction and with age.",
            ),
        ),
        migrations.RunPython(forget_bodies, migrations.RunPython.noop, elidable=True),
    ]
