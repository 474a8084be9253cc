"""What must always be true of flows: each statement returns the rows that break it."""

CHECKS = {
    "I7 one decision per source": """
SELECT flow_id, contact_id, source_kind, source_id FROM flows_entry GROUP BY 1, 2, 3, 4 HAVING count(*) > 1""",
    "I7 every refusal has a reason, no enrollment has one": """
SELECT id FROM flows_entry WHERE (outcome = 'refused') = (reason = '')""",
    "I8 an enrollment for every decision to enrol": """
SELECT y.id FROM flows_entry y LEFT JOIN flows_enrollment e ON e.entry_id = y.id
WHERE y.outcome = 'enrolled' AND e.id IS NULL""",
    "I8 a decision to enrol for every enrollment, one each": """
SELECT e.id FROM flows_enrollment e LEFT JOIN flows_entry y ON y.id = e.entry_id
WHERE y.id IS NULL OR y.outcome <> 'enrolled' OR y.flow_id <> e.flow_id
UNION ALL SELECT min(id) FROM flows_enrollment GROUP BY entry_id HAVING count(*) > 1""",
    "I9 one active enrollment per flow, contact and entry key": """
SELECT flow_id, contact_id, entry_key FROM flows_enrollment WHERE status = 'active' GROUP BY 1, 2, 3
HAVING count(*) > 1""",
    "I9 nobody enters again where that is not allowed": """
SELECT later.id FROM flows_enrollment later
JOIN flows_entry y ON y.id = later.entry_id AND y.source_kind NOT IN ('manual', 'api', 'restart')
JOIN flows_version v ON v.id = y.version_id AND NOT coalesce((v.settings -> 'reentry' ->> 'allowed')::boolean, false)
JOIN flows_enrollment earlier ON earlier.flow_id = later.flow_id AND earlier.contact_id = later.contact_id
    AND earlier.entry_key = later.entry_key AND earlier.entered_at < later.entered_at
WHERE NOT EXISTS (SELECT FROM contacts_contact m WHERE m.merged_into_id = later.contact_id)
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(v.graph -> 'nodes') n WHERE n -> 'settings' ->> 'yearly' = 'true'
        OR n -> 'settings' ->> 'or_still_in_after' <> '' OR n ->> 'kind' = 'schedule' AND n -> 'settings' ->> 'repeat' <> '')""",
    "I9 who is still in enters again no sooner than the trigger says": """
SELECT later.id FROM flows_enrollment later
JOIN flows_entry y ON y.id = later.entry_id AND y.source_kind = 'still'
JOIN flows_version v ON v.id = y.version_id
JOIN flows_enrollment earlier ON earlier.flow_id = later.flow_id AND earlier.contact_id = later.contact_id
    AND earlier.entry_key = later.entry_key AND earlier.id < later.id AND earlier.ended_at + interval '1 hour' > later.entered_at
WHERE NOT EXISTS (SELECT FROM contacts_contact m WHERE m.merged_into_id = later.contact_id)""",
    "I7 a date starts nobody twice, however its zone or its version changed": """
SELECT min(id) FROM flows_entry WHERE source_kind IN ('date', 'schedule') GROUP BY flow_id, contact_id, source_kind, source_id
HAVING count(*) > 1""",
    "I7 a mark stands for a flow that takes in": """
SELECT m.flow_id FROM flows_mark m JOIN flows_flow f ON f.id = m.flow_id WHERE f.status NOT IN ('running', 'paused')
UNION ALL SELECT f.id FROM flows_flow f JOIN flows_version v ON v.id = f.version_id LEFT JOIN flows_mark m ON m.flow_id = f.id
WHERE f.status = 'running' AND m.flow_id IS NULL
    AND v.graph -> 'nodes' @> '[{"kind": "date_attribute"}]'""",
    "I7 no clock of a flow is more than an hour behind": """
SELECT m.flow_id FROM flows_mark m JOIN flows_flow f ON f.id = m.flow_id AND f.status = 'running'
WHERE coalesce(m.next_at, m.at) < tributary_now() - interval '1 hour'""",
    "I9 a restart begins when the old journey ends": """
SELECT old.id FROM flows_enrollment old
LEFT JOIN flows_entry y ON y.source_kind = 'restart' AND y.source_id = old.id::text AND y.flow_id = old.flow_id
    AND y.contact_id = old.contact_id
WHERE old.status = 'restarted' AND (y.id IS NULL OR y.at <> old.ended_at)""",
    "I10 no step after the end": """
SELECT s.enrollment_id, s.visit FROM flows_step s JOIN flows_enrollment e ON e.id = s.enrollment_id
WHERE e.ended_at IS NOT NULL AND s.at > e.ended_at""",
    "I11 everybody active is due or parked with a reason": """
SELECT id FROM flows_enrollment WHERE status = 'active' AND due_at IS NULL AND parked = ''""",
    "I12 nobody is overdue by more than five minutes": """
SELECT e.id FROM flows_enrollment e JOIN flows_flow f ON f.id = e.flow_id AND f.status IN ('running', 'draining')
WHERE e.status = 'active' AND e.due_at < tributary_now() - interval '5 minutes'""",
    "I13 visits are 1 to n without gaps": """
SELECT enrollment_id FROM flows_step GROUP BY enrollment_id
HAVING min(visit) <> 1 OR max(visit) <> count(*) OR count(DISTINCT visit) <> count(*)""",
    "I13 the next visit follows the last step": """
SELECT e.id FROM flows_enrollment e
LEFT JOIN LATERAL (SELECT max(visit) AS last FROM flows_step s WHERE s.enrollment_id = e.id) s ON true
WHERE e.visit <> coalesce(s.last, 0) + 1""",
    "I13 each step leads to the next": """
SELECT s.enrollment_id, s.visit FROM flows_step s
JOIN flows_step n ON n.enrollment_id = s.enrollment_id AND n.visit = s.visit + 1
WHERE s.next <> n.node""",
    "I13 the path is one of its version": """
SELECT s.enrollment_id, s.visit FROM flows_step s JOIN flows_version v ON v.id = s.version_id
WHERE s.next <> '' AND s.port NOT IN ('moved', 'goal') AND NOT v.graph -> 'edges' @> jsonb_build_array(
    jsonb_build_object('from', s.node, 'port', s.port, 'to', s.next))""",
    "I14 started = active + ended": """
SELECT f.id FROM flows_flow f
LEFT JOIN LATERAL (SELECT coalesce(sum(count) FILTER (WHERE what = 'entered'), 0) AS entered,
    coalesce(sum(count) FILTER (WHERE what = 'completed'), 0) AS completed,
    coalesce(sum(count) FILTER (WHERE what = 'exited'), 0) AS exited,
    coalesce(sum(count) FILTER (WHERE what = 'failed'), 0) AS failed,
    coalesce(sum(count) FILTER (WHERE what = 'restarted'), 0) AS restarted,
    coalesce(sum(count) FILTER (WHERE what = 'moved_in'), 0) - coalesce(sum(count) FILTER (WHERE what = 'moved_out'), 0) AS moved
    FROM flows_tally t WHERE t.flow_id = f.id AND node = '') t ON true
LEFT JOIN LATERAL (SELECT count(*) AS entered, count(*) FILTER (WHERE status = 'completed') AS completed,
    count(*) FILTER (WHERE status = 'exited') AS exited, count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'restarted') AS restarted FROM flows_enrollment e WHERE e.flow_id = f.id) e ON true
WHERE (t.entered, t.completed, t.exited, t.failed, t.restarted, t.moved)
    IS DISTINCT FROM (e.entered, e.completed, e.exited, e.failed, e.restarted, 0)""",
    "conversions and their money are what was counted": """
SELECT t.flow_id, t.count, c.count, t.value, c.value FROM (
    SELECT flow_id, sum(count) AS count, sum(value) AS value FROM flows_tally WHERE what = 'converted' AND node = '' GROUP BY 1
) t FULL JOIN (SELECT flow_id, count(*) AS count, sum(value) AS value FROM flows_conversion GROUP BY 1) c USING (flow_id)
WHERE (t.count, t.value) IS DISTINCT FROM (c.count, c.value)""",
    "I14 at each node arrived = here now + left": """
SELECT flow_id, version_id, node FROM (
    SELECT flow_id, version_id, node, sum(CASE what WHEN 'arrived' THEN count ELSE -count END) AS here
    FROM flows_tally WHERE node <> '' AND what IN ('arrived', 'left') GROUP BY 1, 2, 3
) t FULL JOIN (
    SELECT flow_id, version_id, node, count(*) AS active FROM flows_enrollment WHERE status = 'active' GROUP BY 1, 2, 3
) e USING (flow_id, version_id, node)
WHERE coalesce(here, 0) <> coalesce(active, 0)""",
    "I15 nobody stands at a node that the version lacks": """
SELECT e.id FROM flows_enrollment e JOIN flows_version v ON v.id = e.version_id
WHERE NOT v.graph -> 'nodes' @> jsonb_build_array(jsonb_build_object('id', e.node))""",
    "I16 one message per enrollment and visit": """
SELECT key FROM messaging_message WHERE key LIKE 'e:%' GROUP BY key HAVING count(*) > 1""",
    "I16 every step that speaks has its message": """
SELECT s.enrollment_id, s.visit FROM flows_step s
LEFT JOIN messaging_message m ON m.key = 'e:' || s.enrollment_id || ':' || s.visit
WHERE s.kind IN ('send_email', 'send_sms', 'send_whatsapp', 'send_push', 'send_onsite', 'notify_staff', 'webhook')
    AND m.id IS NULL AND NOT s.saw ?| '{skipped,moved,goal}'""",
    "I16 every export step handed its contact over, or the log of that is older than what is kept": """
SELECT s.enrollment_id, s.visit FROM flows_step s
LEFT JOIN segmentation_handed h ON h.key = 'e:' || s.enrollment_id || ':' || s.visit
WHERE s.kind = 'export' AND h.id IS NULL AND NOT s.saw ?| '{skipped,moved,goal}' AND s.at > tributary_now() - interval '29 days'
    AND EXISTS (SELECT FROM segmentation_destination)""",
    "I25 every recorded event was accepted once": """
SELECT s.enrollment_id, s.visit FROM flows_step s
LEFT JOIN contacts_receipt r ON r.source = 'flow' AND r.message_id = 'e:' || s.enrollment_id || ':' || s.visit
WHERE s.kind = 'record_event' AND r.id IS NULL AND NOT s.saw ?| '{skipped,moved,goal}'
    AND s.at > tributary_now() - interval '89 days'
    AND EXISTS (SELECT FROM contacts_contact c WHERE c.id = s.contact_id AND c.erased_at IS NULL)""",
    "I26 nobody is left whom a step erased": """
SELECT s.enrollment_id FROM flows_step s JOIN contacts_contact c ON c.id = s.contact_id
WHERE s.kind = 'delete_contact' AND s.port = '' AND c.erased_at IS NULL AND c.merged_into_id IS NULL
    AND NOT s.saw ?| '{skipped,moved,goal}'""",
    "I16 no message without its enrollment and visit": """
SELECT m.id FROM messaging_message m
LEFT JOIN flows_enrollment e ON e.id = split_part(m.key, ':', 2)::bigint
WHERE m.key ~ '^e:[0-9]+:[0-9]+$' AND (e.id IS NULL OR split_part(m.key, ':', 3)::int > e.visit)
UNION ALL SELECT id FROM messaging_message WHERE key LIKE 'e:%' AND key !~ '^e:[0-9]+:[0-9]+$'""",
    "I20 no step while paused": """
SELECT s.enrollment_id, s.visit FROM flows_flow f JOIN flows_step s ON s.flow_id = f.id AND s.at > f.paused_at
WHERE f.status = 'paused'""",
    "I20 a draft or ended flow has nobody inside": """
SELECT e.id FROM flows_enrollment e JOIN flows_flow f ON f.id = e.flow_id
WHERE e.status = 'active' AND f.status IN ('draft', 'ended')""",
    "I26 no journey of a contact who is gone": """
SELECT e.id FROM flows_enrollment e JOIN contacts_contact c ON c.id = e.contact_id
WHERE e.status = 'active' AND (c.erased_at IS NOT NULL OR c.merged_into_id IS NOT NULL)
    AND NOT EXISTS (SELECT FROM contacts_change g WHERE g.contact_id = c.id AND g.fact = 'contact')""",
    "I33 no interval sees more pass a limit than it lets through": """
SELECT id FROM (
    SELECT id, passed_at, seconds, lag(passed_at, most) OVER (PARTITION BY flow_id, node ORDER BY passed_at, id) AS before
    FROM flows_turn WHERE passed_at IS NOT NULL
) t WHERE before > passed_at - make_interval(secs => seconds)""",
    "I33 whoever passed a limit has made that step": """
SELECT t.id FROM flows_turn t WHERE t.passed_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM flows_step s WHERE s.enrollment_id = t.enrollment_id AND s.visit = t.visit)""",
    "I33 whoever waits at a limit has a place in its queue": """
SELECT e.id FROM flows_enrollment e JOIN flows_version v ON v.id = e.version_id
WHERE e.status = 'active' AND e.waiting AND e.clock = 'wall'
    AND v.graph -> 'nodes' @> jsonb_build_array(jsonb_build_object('id', e.node, 'kind', 'rate_limit'))
    AND NOT EXISTS (SELECT FROM flows_turn t WHERE t.enrollment_id = e.id AND t.visit = e.visit AND t.passed_at IS NULL)""",
    "I34 what the tally says of a test is what its trials say": """
SELECT flow_id, node, port FROM (
    SELECT flow_id, node, port, count(*) AS tried, count(won_at) AS won FROM flows_trial GROUP BY 1, 2, 3
) r FULL JOIN (
    SELECT flow_id, node, port, coalesce(sum(count) FILTER (WHERE what = 'tried'), 0) AS tried,
        coalesce(sum(count) FILTER (WHERE what = 'won'), 0) AS won
    FROM flows_tally WHERE what IN ('tried', 'won') GROUP BY 1, 2, 3
) t USING (flow_id, node, port)
WHERE (coalesce(r.tried, 0), coalesce(r.won, 0)) IS DISTINCT FROM (coalesce(t.tried, 0), coalesce(t.won, 0))""",
    "I35 a wait for facts looks again when its time is up": """
SELECT id FROM flows_enrollment
WHERE status = 'active' AND waiting AND wake_on = 'facts' AND (due_at IS NULL OR due_at > until_at)""",
    "I36 nobody is suspected longer than three deaths alone": """
SELECT enrollment_id FROM flows_suspect WHERE crashes >= 5""",
    "I32 no journey is longer than a thousand steps": """
SELECT id FROM flows_enrollment WHERE visit > 1001""",
    "I32 nobody enters a flow more than twenty times within an hour": """
SELECT flow_id, contact_id FROM (
    SELECT flow_id, contact_id, at, lag(at, 20) OVER (PARTITION BY flow_id, contact_id ORDER BY at, id) AS before
    FROM flows_entry WHERE outcome = 'enrolled'
) t WHERE before > at - interval '1 hour'""",
    "I30 nobody who is to be asked again is overdue by more than five minutes": """
SELECT r.id FROM flows_reentry r JOIN flows_flow f ON f.id = r.flow_id AND f.status = 'running'
WHERE r.due_at < tributary_now() - interval '5 minutes'""",
    "I30 no batch stays in the hands of a worker that is gone": """
SELECT h.id FROM flows_inhand h WHERE h.at < tributary_now() - interval '5 minutes'
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = h.backend)""",
    "I37 no draft remembers an edit that it has not had": """
SELECT e.id FROM flows_edit e JOIN flows_flow f ON f.id = e.flow_id WHERE e.number > f.revision""",
}
