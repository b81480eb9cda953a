"""Plans, packages and outcome rules of the product document, as data that operators may edit."""

from __future__ import annotations

from typing import Any

from django.db import migrations

PLANS = [
    ("starter", "Starter", "19", 3_000),
    ("growth", "Growth", "49", 8_500),
    ("pro", "Pro", "99", 18_000),
    ("scale", "Scale", "249", 48_000),
]
PACKAGES = [
    ("small", "Small", "5", 500),
    ("medium", "Medium", "12", 1_500),
    ("large", "Large", "35", 5_000),
    ("xl", "XL", "99", 15_000),
]
OUTCOMES = [
    ("delivered", "consumed", "Output delivered, credits consumed."),
    ("platform_error", "case", "ecomVance platform error: may be restored (discretionary)."),
    ("provider_error", "kept", "Third-party AI provider failure: not restored."),
    ("content_policy", "kept", "Content policy violation: not restored."),
    ("user_cancelled", "kept", "User cancels during processing: not restored."),
    ("cancelled_in_queue", "returned", "Cancelled before processing began: given back."),
    ("unsatisfactory", "kept", "Unsatisfactory results: not restored."),
    ("invalid_input", "kept", "Invalid input image: not restored."),
    ("timeout", "kept", "Timeout errors: not restored."),
]


def seed(apps: Any, schema_editor: Any) -> None:
    database = schema_editor.connection.alias
    for name, rows in (("Plan", PLANS), ("Package", PACKAGES)):
        model = apps.get_model("credits", name)
        for position, (handle, title, price_usd, credits) in enumerate(rows):
            model.objects.using(database).create(
                handle=handle, name=title, price_usd=price_usd, credits=credits, position=position
            )
    rule = apps.get_model("credits", "OutcomeRule")
    for outcome, policy, words in OUTCOMES:
        rule.objects.using(database).create(outcome=outcome, policy=policy, rule=words)


def unseed(apps: Any, schema_editor: Any) -> None:
    database = schema_editor.connection.alias
    for name in ("Plan", "Package", "OutcomeRule"):
        apps.get_model("credits", name).objects.using(database).all().delete()


def leave_room(_apps: Any, schema_editor: Any) -> None:
    # Room in each page lets PostgreSQL update these rows in place (HOT) instead of moving them.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE credits_account SET (fillfactor = 70)")
        schema_editor.execute("ALTER TABLE credits_dailyusage SET (fillfactor = 80)")


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_initial")]

    operations = [
        migrations.RunPython(seed, unseed),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
