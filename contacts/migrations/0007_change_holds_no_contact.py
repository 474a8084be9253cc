"""A Change refers to its contact without asking the database about it row by row."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_change_detail")]

    operations = [
        migrations.AlterField(
            "change",
            "contact",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="contacts.contact",
            ),
        ),
    ]
