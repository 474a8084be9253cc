"""Reviews: requests in words and with changes, by people and keys, in rounds that are only ever added to."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workspace", "0003_key_successor"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "step",
                    models.CharField(
                        help_text="requested, revised, sent_back, approved, applied, withdrawn, …", max_length=12
                    ),
                ),
                ("text", models.TextField(blank=True)),
                ("request", models.JSONField(blank=True, default=dict)),
                ("round", models.PositiveIntegerField(default=1)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="review",
            name="reviewer_is_another_person",
        ),
        migrations.AddField(
            model_name="review",
            name="before",
            field=models.JSONField(
                blank=True, default=dict, help_text="What it would replace, as it stood at the request."
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="changed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reviews_changed",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="changed_key",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews_changed",
                to="workspace.key",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="fault",
            field=models.TextField(blank=True, help_text="Why it could not be applied."),
        ),
        migrations.AddField(
            model_name="review",
            name="kind",
            field=models.CharField(default="segment", help_text="What sort of thing it is about.", max_length=20),
        ),
        migrations.AddField(
            model_name="review",
            name="outcome",
            field=models.JSONField(blank=True, default=dict, help_text="What it did when it was applied."),
        ),
        migrations.AddField(
            model_name="review",
            name="requested_key",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews_requested",
                to="workspace.key",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="reviewed_key",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews_given",
                to="workspace.key",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="round",
            field=models.PositiveIntegerField(default=1, help_text="Grows with every change of the request."),
        ),
        migrations.AddField(
            model_name="review",
            name="title",
            field=models.CharField(blank=True, help_text="What the subject was called.", max_length=200),
        ),
        migrations.AddField(
            model_name="review",
            name="verb",
            field=models.CharField(
                blank=True, help_text="What is to be done; empty while there are only words.", max_length=20
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="words",
            field=models.TextField(blank=True, help_text="What is wished for, and why."),
        ),
        migrations.AlterField(
            model_name="review",
            name="note",
            field=models.TextField(blank=True, help_text="What the reviewer said last."),
        ),
        migrations.AlterField(
            model_name="review",
            name="request",
            field=models.JSONField(blank=True, default=dict, help_text="The change."),
        ),
        migrations.AlterField(
            model_name="review",
            name="requested_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reviews_requested",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="review",
            name="status",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("requested", "Requested"),
                    ("sent_back", "Sent Back"),
                    ("approved", "Approved"),
                    ("applied", "Applied"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="requested",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="review",
            name="subject",
            field=models.CharField(
                blank=True, help_text="Such as seg_7; empty for what is to be made.", max_length=120
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=models.Q(("status__in", ["requested", "sent_back"])), fields=["id"], name="review_open"
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["subject", "-id"], name="review_subject"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reviewed_by__isnull", True),
                    models.Q(
                        ("reviewed_by", models.F("requested_by")),
                        ("reviewed_by", models.F("changed_by")),
                        _connector="OR",
                        _negated=True,
                    ),
                    _connector="OR",
                ),
                name="reviewer_is_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reviewed_key__isnull", True),
                    models.Q(
                        ("reviewed_key", models.F("requested_key")),
                        ("reviewed_key", models.F("changed_key")),
                        _connector="OR",
                        _negated=True,
                    ),
                    _connector="OR",
                ),
                name="reviewer_is_another_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["applied", "withdrawn"]), _negated=True),
                    ("settled_at__isnull", False),
                    _connector="OR",
                ),
                name="a_settled_review_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "applied"), _negated=True),
                    models.Q(("verb", ""), _negated=True),
                    _connector="OR",
                ),
                name="only_changes_apply",
            ),
        ),
        migrations.AddField(
            model_name="reviewnote",
            name="actor",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reviewnote",
            name="key",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="workspace.key"
            ),
        ),
        migrations.AddField(
            model_name="reviewnote",
            name="review",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="workspace.review"
            ),
        ),
        migrations.RunSQL(
            "SELECT tributary_append_only('workspace_reviewnote')",
            "DROP TRIGGER IF EXISTS append_only ON workspace_reviewnote",
        ),
    ]
