SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND c.id IN (SELECT e.contact_id FROM contacts_event e WHERE e.name_id = %(add_to_cart)s AND e.at > %(at)s::timestamptz - interval '7 days' AND e.at <= %(at)s
             AND NOT EXISTS (SELECT 1 FROM contacts_event b WHERE b.contact_id = e.contact_id AND b.name_id = %(purchase)s
                             AND b.at <= %(at)s AND (b.at, b.id) > (e.at, e.id)))
