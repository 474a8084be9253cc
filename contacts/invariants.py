"""What must always be true of contacts: each statement returns the rows that break it."""

from typing import Final

APPEND_ONLY: Final = ("contacts_event", "contacts_consent", "workspace_audit", "segmentation_transition", "flows_step")

CHECKS = {
    "I24 what is only added to is guarded by the database": f"""
SELECT t FROM unnest(ARRAY{list(APPEND_ONLY)!r}::text[]) AS t
WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = to_regclass(t) AND g.tgname = 'append_only'
    AND g.tgenabled <> 'D')""",  # noqa: S608 - constants
    # A message id may come back after its receipt was tidied away, 90 days later.
    "I25 one event per source and message id": """
SELECT source, message_id FROM contacts_event GROUP BY source, message_id
HAVING count(*) > 1 AND max(received_at) - min(received_at) < interval '90 days'""",
    "I25 every event of late has its receipt": """
SELECT e.id FROM contacts_event e
LEFT JOIN contacts_receipt r ON r.source = e.source AND r.message_id = e.message_id
WHERE r.id IS NULL AND e.received_at > tributary_now() - interval '89 days'
    AND NOT starts_with(e.message_id, 'erased:')""",
    "I26 every event belongs to a contact": """
SELECT e.id FROM contacts_event e LEFT JOIN contacts_contact c ON c.id = e.contact_id WHERE c.id IS NULL""",
    "I26 every Change is of a contact": """
SELECT q.id FROM contacts_change q LEFT JOIN contacts_contact c ON c.id = q.contact_id WHERE c.id IS NULL""",
    "I26 a merged contact has handed everything over": """
SELECT c.id FROM contacts_contact c
WHERE c.merged_into_id IS NOT NULL AND (
    EXISTS (SELECT FROM contacts_identity i WHERE i.contact_id = c.id)
    OR EXISTS (SELECT FROM contacts_address a WHERE a.contact_id = c.id)
    OR EXISTS (SELECT FROM contacts_event e WHERE e.contact_id = c.id)
    OR EXISTS (SELECT FROM contacts_consentnow n WHERE n.contact_id = c.id)
    OR EXISTS (SELECT FROM contacts_listmember m WHERE m.contact_id = c.id))""",
    "I26 an erased contact is on no list and has no address": """
SELECT c.id FROM contacts_contact c
WHERE c.erased_at IS NOT NULL AND (c.email <> '' OR c.phone <> '' OR c.user_id IS NOT NULL
    OR EXISTS (SELECT FROM contacts_identity i WHERE i.contact_id = c.id)
    OR EXISTS (SELECT FROM contacts_address a WHERE a.contact_id = c.id)
    OR EXISTS (SELECT FROM contacts_listmember m WHERE m.contact_id = c.id))""",
    "I26 a contact was merged into one that stands": """
SELECT c.id FROM contacts_contact c JOIN contacts_contact w ON w.id = c.merged_into_id
WHERE w.merged_into_id IS NOT NULL OR w.id = c.id""",
    # Dropped after a day; the rest is for a beat that stood still.
    "no file of contacts waits for days to be brought": """
SELECT id FROM workspace_job WHERE kind = 'import.file' AND created_at < tributary_now() - interval '26 hours'""",
    "consent now rests on evidence": """
SELECT n.id FROM contacts_consentnow n
WHERE NOT EXISTS (SELECT FROM contacts_consent e WHERE e.contact_id = n.contact_id AND e.channel = n.channel
    AND e.topic = n.topic AND e.status = n.status AND e.at = n.at)""",
    "an unsubscribe is not outlived by an older yes": """
SELECT n.id FROM contacts_consentnow n
JOIN contacts_consent e ON e.contact_id = n.contact_id AND e.channel = n.channel AND e.topic = n.topic
    AND e.status = 'unsubscribed' AND e.at > n.at
WHERE n.status = 'subscribed'""",
    # Criteria read the column in place of the document.
    "the value of an event is its name's value property": """
SELECT e.id FROM contacts_event e JOIN contacts_eventname n ON n.id = e.name_id
WHERE n.value_property <> '' AND e.value IS DISTINCT FROM CASE
    WHEN jsonb_typeof(e.properties -> n.value_property) = 'number' THEN (e.properties ->> n.value_property)::numeric END
    AND NOT starts_with(e.message_id, 'erased:')""",
    "an attribute that was joined has handed its values over": """
SELECT a.id FROM contacts_attribute a WHERE a.joined_into_id IS NOT NULL
AND NOT EXISTS (SELECT FROM workspace_job j WHERE j.kind = 'attribute.join' AND j.status IN ('waiting', 'running')
    AND j.request ->> 'name' = a.name)
AND EXISTS (SELECT FROM contacts_contact c WHERE c.attributes ? a.name AND c.merged_into_id IS NULL)""",
    "an attribute is joined into one that stands for itself": """
SELECT a.id FROM contacts_attribute a JOIN contacts_attribute b ON b.id = a.joined_into_id
WHERE b.joined_into_id IS NOT NULL""",
    "what values were is kept only while they are being converted": """
SELECT k.id FROM contacts_converted k JOIN workspace_job j ON j.id = k.job_id WHERE j.status NOT IN ('waiting', 'running')
AND j.status <> 'failed'""",
    "a property on its way to be the value has its work": """
SELECT n.id FROM contacts_eventname n WHERE n.promoting <> '' AND NOT EXISTS (SELECT FROM workspace_job j
    WHERE j.kind = 'event.value' AND j.status IN ('waiting', 'running', 'failed') AND j.request ->> 'name' = n.id::text)""",
    "the shown user id is one of its identities": """
SELECT c.id FROM contacts_contact c
WHERE c.user_id IS NOT NULL AND c.merged_into_id IS NULL AND c.erased_at IS NULL AND NOT EXISTS (
    SELECT FROM contacts_identity i WHERE i.contact_id = c.id AND i.kind = 'user' AND i.value = c.user_id)""",
}
