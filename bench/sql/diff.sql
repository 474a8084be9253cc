-- What anybody would write by hand: who matches, less who is in, with the log, in one statement; the rule takes the place in braces.
WITH matching AS MATERIALIZED ({matching}),
entered AS (
    INSERT INTO bench_membership (segment_id, contact_id, seq, since)
    SELECT %(segment)s, m.id, 1, %(at)s FROM matching m
    WHERE NOT EXISTS (SELECT 1 FROM bench_membership b WHERE b.segment_id = %(segment)s AND b.contact_id = m.id)
    RETURNING contact_id, seq
), exited AS (
    DELETE FROM bench_membership b WHERE b.segment_id = %(segment)s
    AND NOT EXISTS (SELECT 1 FROM matching m WHERE m.id = b.contact_id)
    RETURNING contact_id, seq + 1 AS seq
), logged AS (
    INSERT INTO bench_transition (segment_id, contact_id, seq, kind, cause, inner_cause, fires, at)
    SELECT %(segment)s, contact_id, seq, 'entered', 'data', '', true, %(at)s FROM entered
    UNION ALL SELECT %(segment)s, contact_id, seq, 'exited', 'data', '', true, %(at)s FROM exited
    RETURNING kind
)
INSERT INTO bench_tally (segment_id, minute, entered, exited)
SELECT %(segment)s, date_trunc('minute', %(at)s::timestamptz), count(*) FILTER (WHERE kind = 'entered'), count(*) FILTER (WHERE kind = 'exited') FROM logged
