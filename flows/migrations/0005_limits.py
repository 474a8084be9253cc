from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("flows", "0004_reentry")]

    operations = [
        migrations.AddField(
            model_name="flow",
            name="resumed_at",
            field=models.DateTimeField(blank=True, help_text="Since when it runs without a pause.", null=True),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(condition=models.Q(("reason", "ceiling")), fields=["flow", "at"], name="entry_ceiling"),
        ),
    ]
