"""The zone of a contact as a function that plans do not inline: 600 names in every plan cost more than the call."""

from django.db import migrations

ZONE = """
DO $$
DECLARE
    names text[] := (SELECT array_agg(name ORDER BY name) FROM pg_timezone_names WHERE name NOT LIKE 'posix%');
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION tributary_zone(zone text, house text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS '
        || '%L', format('BEGIN IF zone <> '''' AND zone = ANY(%L::text[]) THEN RETURN zone; END IF; RETURN house; END', names));
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("segmentation", "0004_evaluation_fires")]

    operations = [migrations.RunSQL(ZONE, migrations.RunSQL.noop)]
