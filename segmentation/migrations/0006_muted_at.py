from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("segmentation", "0005_zone_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="muted_at",
            field=models.DateTimeField(blank=True, help_text="Since when nothing fires.", null=True),
        ),
        migrations.RunSQL(
            "UPDATE segmentation_segment SET muted_at = updated_at WHERE muted", reverse_sql=migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
                condition=models.Q(("muted", False), ("muted_at__isnull", True))
                | models.Q(("muted", True), ("muted_at__isnull", False)),
                name="muted_since_an_instant",
            ),
        ),
    ]
