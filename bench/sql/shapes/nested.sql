SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL AND c.country IN ('US', 'GB')
AND (c.id IN (SELECT contact_id FROM contacts_event WHERE name_id = %(purchase)s AND at <= %(at)s AND value > 150)
     OR c.id IN (SELECT contact_id FROM contacts_event WHERE name_id = %(page_view)s AND at > %(at)s::timestamptz - interval '30 days' AND at <= %(at)s
                 GROUP BY contact_id HAVING count(*) >= 5))
AND NOT EXISTS (SELECT 1 FROM contacts_event e WHERE e.contact_id = c.id AND e.name_id = %(add_to_cart)s
                AND e.at > %(at)s::timestamptz - interval '7 days' AND e.at <= %(at)s)
