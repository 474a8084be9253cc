from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0004_message_fewer_indexes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "queued")),
                fields=["stream", "channel", "lane", "due_at"],
                name="message_due_by_road",
            ),
        ),
        migrations.RemoveIndex(model_name="message", name="message_due"),
    ]
