"""What triggers remember: marks of the clock, addresses of flows with samples; and the instant of a local time."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Rule 4: a local time that does not exist moves by the length of the gap, of one that exists twice the first counts.
# PostgreSQL does the former; of two it takes the later, so we look back by the lengths that clocks were ever put back.
INSTANT = """
CREATE FUNCTION tributary_instant(local timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ((local AT TIME ZONE zone) - interval '1 hour') AT TIME ZONE zone = local
            THEN (local AT TIME ZONE zone) - interval '1 hour'
        WHEN ((local AT TIME ZONE zone) - interval '30 minutes') AT TIME ZONE zone = local
            THEN (local AT TIME ZONE zone) - interval '30 minutes'
        WHEN ((local AT TIME ZONE zone) - interval '2 hours') AT TIME ZONE zone = local
            THEN (local AT TIME ZONE zone) - interval '2 hours'
        ELSE local AT TIME ZONE zone
    END
$$
"""


class Migration(migrations.Migration):
    """Add the tables and the function."""

    dependencies = [("contacts", "0006_change_detail"), ("flows", "0005_limits")]

    operations = [
        migrations.RunSQL(INSTANT, "DROP FUNCTION tributary_instant(timestamp, text)"),
        migrations.CreateModel(
            name="Mark",
            fields=[
                (
                    "flow",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="mark",
                        serialize=False,
                        to="flows.flow",
                    ),
                ),
                ("at", models.DateTimeField(help_text="All that was due until then has been looked at.")),
                (
                    "next_at",
                    models.DateTimeField(blank=True, help_text="Of a schedule: its next date.", null=True),
                ),
            ],
            options={"indexes": [models.Index(fields=["at"], name="mark_at")]},
        ),
        migrations.CreateModel(
            name="Hook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "turn",
                    models.PositiveIntegerField(
                        default=1, help_text="Grows with each rotation; the address follows it."
                    ),
                ),
                (
                    "former_until",
                    models.DateTimeField(
                        blank=True, help_text="How long the address before is still heard.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("rotated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "flow",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="hook", to="flows.flow"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HookSample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "body",
                    models.JSONField(blank=True, help_text="Empty when it was too large to be kept.", null=True),
                ),
                ("size", models.PositiveIntegerField(help_text="Bytes.")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("taken", "Taken in"),
                            ("repeated", "Came before: nothing done"),
                            ("refused", "Refused"),
                            ("kept", "Kept as a sample only: the flow does not run"),
                        ],
                        max_length=8,
                    ),
                ),
                ("fault", models.CharField(blank=True, db_default="", default="", max_length=300)),
                ("received_at", models.DateTimeField()),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="contacts.contact",
                    ),
                ),
                (
                    "hook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="samples",
                        to="flows.hook",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["hook", "-id"], name="sample_newest")]},
        ),
    ]
