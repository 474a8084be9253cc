SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND NOT EXISTS (SELECT 1 FROM contacts_event e WHERE e.contact_id = c.id AND e.name_id = %(page_view)s
                AND e.at > %(at)s::timestamptz - interval '30 days' AND e.at <= %(at)s)
