"""One index of transitions less: the key, by contact first, serves the contact's own history too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segmentation", "0012_csv_of_moves")]

    operations = [
        migrations.RemoveConstraint("transition", "one_transition_per_seq"),
        migrations.AddConstraint(
            "transition",
            models.UniqueConstraint(fields=["contact", "segment", "seq"], name="one_transition_per_seq"),
        ),
        migrations.RemoveIndex("transition", "transition_contact_at"),
    ]
