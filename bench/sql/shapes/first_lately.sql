SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND c.id IN (SELECT contact_id FROM (SELECT DISTINCT ON (contact_id) contact_id, at FROM contacts_event
             WHERE name_id = %(purchase)s AND at <= %(at)s ORDER BY contact_id, at, id) e WHERE e.at > %(at)s::timestamptz - interval '30 days')
