import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("segmentation", "0010_handed_over"),
    ]

    operations = [
        migrations.AddField(
            model_name="evaluation",
            name="copy_at",
            field=models.DateTimeField(help_text="The instant whose members a static copy takes.", null=True),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="copy_of",
            field=models.ForeignKey(
                help_text="Whose members a static copy takes.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="copies",
                to="segmentation.segment",
            ),
        ),
    ]
