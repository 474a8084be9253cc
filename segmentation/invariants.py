"""What must always be true of segments: each statement returns the rows that break it.

I1 (membership equals truth) needs the compiler and has no statement of its own; a full recompute finds and mends it.
"""

CHECKS = {
    "I2 transitions are 1 to n and alternate, beginning with an entry": """
SELECT segment_id, contact_id FROM segmentation_transition GROUP BY segment_id, contact_id
HAVING min(seq) <> 1 OR max(seq) <> count(*) OR count(DISTINCT seq) <> count(*)
    OR bool_or((kind = 'entered') <> (seq % 2 = 1))""",
    "I2 time goes forward from one transition to the next": """
SELECT t.segment_id, t.contact_id, t.seq FROM segmentation_transition t
JOIN segmentation_transition n ON n.segment_id = t.segment_id AND n.contact_id = t.contact_id AND n.seq = t.seq + 1
WHERE n.at < t.at""",
    "I3 a member is whoever entered last": """
SELECT segment_id, contact_id FROM (
    SELECT DISTINCT ON (segment_id, contact_id) segment_id, contact_id, seq, kind FROM segmentation_transition
    ORDER BY segment_id, contact_id, seq DESC
) AS last
FULL JOIN (SELECT segment_id, contact_id, seq AS entry FROM segmentation_membership) AS m
    USING (segment_id, contact_id)
WHERE (last.kind IS NOT DISTINCT FROM 'entered') <> (m.entry IS NOT NULL) OR m.entry <> last.seq""",
    "I6 criteria alone move the members of a dynamic segment": """
SELECT t.segment_id, t.contact_id, t.seq FROM segmentation_transition t
JOIN segmentation_segment s ON s.id = t.segment_id
WHERE s.kind = 'dynamic' AND t.rule_id IS NULL AND t.cause NOT IN ('merged', 'erased')""",
    "I6 no criteria move the members of a static segment": """
SELECT t.segment_id, t.contact_id, t.seq FROM segmentation_transition t
JOIN segmentation_segment s ON s.id = t.segment_id WHERE s.kind = 'static' AND t.rule_id IS NOT NULL""",
    "entered - exited = members = tally": """
SELECT s.id, m.members, t.entered - t.exited, y.entered - y.exited FROM segmentation_segment s
CROSS JOIN LATERAL (SELECT count(*) AS members FROM segmentation_membership WHERE segment_id = s.id) m
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'entered') AS entered,
    count(*) FILTER (WHERE kind = 'exited') AS exited FROM segmentation_transition WHERE segment_id = s.id) t
CROSS JOIN LATERAL (SELECT coalesce(sum(entered), 0) AS entered, coalesce(sum(exited), 0) AS exited
    FROM segmentation_tally WHERE segment_id = s.id) y
WHERE (m.members, t.entered, t.exited) IS DISTINCT FROM (t.entered - t.exited, y.entered, y.exited)""",
    "members and transitions belong to a segment that is there, by the tally written with them": """
SELECT k.segment_id FROM (
    SELECT segment_id FROM segmentation_membership UNION SELECT segment_id FROM segmentation_transition
) k LEFT JOIN segmentation_segment s ON s.id = k.segment_id
WHERE s.id IS NULL OR NOT EXISTS (SELECT FROM segmentation_tally y WHERE y.segment_id = k.segment_id)""",
    "no evaluation outlives its worker": """
SELECT id FROM segmentation_evaluation
WHERE status = 'running' AND seen_at < tributary_now() - interval '15 minutes'""",
    "I26 nobody who is gone is a member": """
SELECT m.segment_id, m.contact_id FROM segmentation_membership m
LEFT JOIN contacts_contact c ON c.id = m.contact_id
WHERE (c.id IS NULL OR c.erased_at IS NOT NULL OR c.merged_into_id IS NOT NULL)
    AND NOT EXISTS (SELECT FROM contacts_change g WHERE g.contact_id = m.contact_id AND g.stage = 1)
    AND NOT EXISTS (SELECT FROM segmentation_owed o WHERE o.contact_id = m.contact_id)""",
    "destinations: nothing behind the cursor was left out of the round": """
SELECT d.id, t.id FROM segmentation_destination d
JOIN LATERAL (SELECT min(transition_id) AS id FROM segmentation_line
              WHERE destination_id = d.id AND round = d.round AND delivery_id IS NOT NULL) first ON true
JOIN segmentation_transition t ON t.segment_id = d.segment_id AND t.id > first.id AND t.id <= d.cursor
    AND (d.since IS NULL OR t.at >= d.since) AND d.what IN ('both', CASE t.kind WHEN 'entered' THEN 'entries' ELSE 'exits' END)
WHERE NOT EXISTS (SELECT FROM segmentation_line l
    WHERE l.destination_id = d.id AND l.transition_id = t.id AND l.round = d.round)""",
    "destinations: a delivery carries as many transitions as it says, of its own destination and round": """
SELECT v.id FROM segmentation_delivery v LEFT JOIN segmentation_line l ON l.delivery_id = v.id
WHERE v.kind = 'changed' OR v.kind = 'moves' AND v.status = 'delivered' GROUP BY v.id
HAVING count(l.id) <> v.size OR bool_or(l.id IS NOT NULL AND (l.destination_id, l.round) <> (v.destination_id, v.round))""",
    "destinations: whom flows handed over stands in a delivery of that destination, as many as it says": """
SELECT v.id FROM segmentation_delivery v LEFT JOIN segmentation_handed h ON h.delivery_id = v.id
WHERE v.kind = 'contacts' GROUP BY v.id
HAVING count(h.id) <> v.size OR bool_or(h.destination_id IS DISTINCT FROM v.destination_id)""",
    "destinations: none is being called by a worker that is long gone": """
SELECT v.id FROM segmentation_delivery v JOIN segmentation_destination d ON d.id = v.destination_id
WHERE v.status = 'calling' AND d.status = 'running' AND v.called_at < tributary_now() - interval '15 minutes'
    AND coalesce(d.lease_until, '-infinity') < tributary_now() - interval '15 minutes'""",
    "destinations: each uses its segment, and one that is disabled says why": """
SELECT d.id FROM segmentation_destination d JOIN segmentation_segment s ON s.id = d.segment_id
WHERE d.status = 'disabled' AND d.reason = '' OR NOT EXISTS (
    SELECT FROM workspace_use u WHERE u.user = 'destination:' || d.slug AND u.used = 'segment:' || s.slug)""",
    "destinations: no export outlives its week, and none is kept of somebody who was erased later": """
SELECT v.id FROM segmentation_delivery v JOIN segmentation_destination d ON d.id = v.destination_id
WHERE v.file <> '' AND (v.expires_at IS NULL OR v.expires_at < tributary_now() - interval '2 hours' OR EXISTS (
    SELECT FROM contacts_contact c JOIN segmentation_transition t ON t.contact_id = c.id AND t.segment_id = d.segment_id
    WHERE c.erased_at > v.settled_at))""",
}
