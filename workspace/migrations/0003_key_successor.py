"""A key knows by which it was replaced."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workspace", "0002_functions")]

    operations = [
        migrations.AddField(
            model_name="key",
            name="successor",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rotated_of",
                to="workspace.key",
            ),
        ),
    ]
