SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND c.id IN (SELECT contact_id FROM contacts_event WHERE name_id = %(purchase)s AND at > %(at)s::timestamptz - interval '30 days' AND at <= %(at)s
             AND value > 50 GROUP BY contact_id HAVING count(*) >= 3)
