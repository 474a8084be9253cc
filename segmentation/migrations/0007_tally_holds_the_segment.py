"""Memberships and transitions refer to their segment through the tally of the same statement, not row by row."""

import django.db.models.deletion
from django.db import migrations, models

DROP = """
DO $$
DECLARE
    held record;
BEGIN
    FOR held IN
        SELECT conrelid::regclass AS relation, conname FROM pg_constraint
        WHERE contype = 'f' AND confrelid = 'segmentation_segment'::regclass
        AND conrelid IN ('segmentation_membership'::regclass, 'segmentation_transition'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', held.relation, held.conname);
    END LOOP;
END $$;
"""
ADD = """
ALTER TABLE segmentation_membership ADD FOREIGN KEY (segment_id) REFERENCES segmentation_segment (id) ON DELETE CASCADE;
ALTER TABLE segmentation_transition ADD FOREIGN KEY (segment_id) REFERENCES segmentation_segment (id)
    DEFERRABLE INITIALLY DEFERRED;
"""


def _segment(name: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=name,
        to="segmentation.segment",
    )


class Migration(migrations.Migration):
    dependencies = [("segmentation", "0006_muted_at")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("membership", "segment", _segment("memberships")),
                migrations.AlterField("transition", "segment", _segment("transitions")),
            ],
            database_operations=[migrations.RunSQL(DROP, ADD)],
        ),
    ]
