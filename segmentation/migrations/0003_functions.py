"""The zone of a contact, in SQL: their own when it is a real one, else the house's."""

from django.db import migrations

# The names stand in the function, so that a plan has them as one hashed constant and no bad name ever raises.
ZONE = """
DO $$
DECLARE
    names text[] := (SELECT array_agg(name ORDER BY name) FROM pg_timezone_names WHERE name NOT LIKE 'posix%');
BEGIN
    EXECUTE format(
        'CREATE FUNCTION tributary_zone(zone text, house text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '
        || '%L', format('SELECT CASE WHEN zone = ANY(%L::text[]) THEN zone ELSE house END', names));
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("segmentation", "0002_membership")]

    operations = [migrations.RunSQL(ZONE, "DROP FUNCTION tributary_zone(text, text)")]
