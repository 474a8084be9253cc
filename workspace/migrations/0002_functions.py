"""The functions of the database: the clock, the partitions, and tables that are only ever added to."""

from django.db import migrations

CLOCK = """
CREATE FUNCTION tributary_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(nullif(current_setting('tributary.now', true), '')::timestamptz, clock_timestamp())
         + coalesce(nullif(current_setting('tributary.offset', true), '')::interval, interval '0')
$$;
COMMENT ON FUNCTION tributary_now() IS 'What time it is for every decision; tests set tributary.now or tributary.offset.';
"""

# One older partition takes imported history, one later partition stays empty unless the task that makes months ahead
# has been dead for months; then nothing is lost, and the task takes its rows over.
PARTITIONS = """
CREATE FUNCTION tributary_make_partitions(parent text, ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', tributary_now() AT TIME ZONE 'UTC' - interval '1 month')::date;
    last date := (date_trunc('month', tributary_now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
    child text;
    made integer := 0;
    part_key text := (SELECT a.attname FROM pg_partitioned_table p JOIN pg_attribute a
                      ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] WHERE p.partrelid = parent::regclass);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(parent));
    IF to_regclass(parent || '_older') IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%L)', parent || '_older', parent, month);
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', parent || '_later', parent);
    END IF;
    WHILE month <= last LOOP
        child := parent || to_char(month, '_YYYY_MM');
        IF to_regclass(child) IS NULL AND month > (
            SELECT coalesce(max(to_date(right(c.relname, 7), 'YYYY_MM')), 'epoch') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent::regclass AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
        ) THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
            EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                parent || '_later', part_key, month, part_key, month + interval '1 month', child);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, child, month, (month + interval '1 month')::date);
            made := made + 1;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;
"""

APPEND_ONLY = """
CREATE FUNCTION tributary_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('tributary.erasing', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION tributary_append_only(relation text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION tributary_refuse_change()', relation);
END $$;
SELECT tributary_append_only('workspace_audit');
INSERT INTO workspace_workspace (id, name, timezone, currency, purchase, sender_line, caps, quiet_hours, approvals, sending_held)
VALUES (1, 'My workspace', 'UTC', 'USD',
        '{}', '', '{}', '{}', '{}', false)
ON CONFLICT DO NOTHING;
"""

UNDO = """
DROP TRIGGER IF EXISTS append_only ON workspace_audit;
DROP FUNCTION tributary_append_only(text);
DROP FUNCTION tributary_refuse_change();
DROP FUNCTION tributary_make_partitions(text, integer);
DROP FUNCTION tributary_now();
"""


class Migration(migrations.Migration):
    dependencies = [("workspace", "0001_initial")]

    operations = [migrations.RunSQL(CLOCK + PARTITIONS + APPEND_ONLY, UNDO)]
