"""A Change of an attribute may carry what it was and what it became, for flows that a change starts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the column."""

    dependencies = [("contacts", "0005_list_member_origin")]

    operations = [
        migrations.AddField(
            model_name="change",
            name="detail",
            field=models.JSONField(help_text="Of an attribute: what it was and what it became.", null=True),
        ),
    ]
