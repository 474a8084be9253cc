from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("workspace", "0004_reviews")]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="Such as flow.ceiling.", max_length=40)),
                ("subject", models.CharField(help_text="Kind and id, such as flo_4.", max_length=120)),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                ("url", models.CharField(blank=True, help_text="The page to look at.", max_length=200)),
                (
                    "right",
                    models.CharField(
                        blank=True, help_text="Whom it concerns: who has this permission.", max_length=100
                    ),
                ),
                (
                    "count",
                    models.PositiveIntegerField(default=1, help_text="How often it was noticed while it stood."),
                ),
                ("at", models.DateTimeField(db_default=Now())),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("settled_at", None)),
                        fields=("kind", "subject"),
                        name="one_standing_notice",
                    )
                ],
                "indexes": [
                    models.Index(condition=models.Q(("mailed_at", None)), fields=["id"], name="notice_unmailed")
                ],
            },
        ),
    ]
