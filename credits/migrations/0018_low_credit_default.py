"""The low-credit default as a row that staff edit: a tenth of the plan, 50 at least, as before."""

from __future__ import annotations

from typing import Any

import django.core.validators
from django.db import migrations, models


def seed(apps: Any, schema_editor: Any) -> None:
    default = apps.get_model("credits", "LowCreditDefault")
    default.objects.using(schema_editor.connection.alias).create(share=10, least=50)


class Migration(migrations.Migration):

    dependencies = [
        ('credits', '0017_the_stores_zone_beside_a_choice'),
    ]

    operations = [
        migrations.CreateModel(
            name='LowCreditDefault',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('share', models.PositiveSmallIntegerField(default=10, help_text='Percent of the credits that the plan brings in a period, 0 to 100.', validators=[django.core.validators.MaxValueValidator(100)], verbose_name='share of the plan')),
                ('least', models.PositiveIntegerField(default=50, help_text='Credits, whatever the plan brings; 0 to 100,000.', validators=[django.core.validators.MaxValueValidator(100000)], verbose_name='at least')),
                ('changed_at', models.DateTimeField(editable=False, help_text='Real time.', null=True)),
                ('begun_at', models.DateTimeField(editable=False, null=True)),
                ('reached', models.BigIntegerField(default=0, editable=False)),
                ('is_spread', models.BooleanField(default=True, editable=False)),
            ],
            options={
                'verbose_name': 'low-credit default',
                'verbose_name_plural': 'low-credit default',
            },
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
