SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND NOT EXISTS (SELECT 1 FROM contacts_event e WHERE e.contact_id = c.id AND e.name_id = %(purchase)s AND e.at <= %(at)s)
