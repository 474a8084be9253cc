SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND c.id IN (SELECT e.contact_id FROM contacts_event e JOIN contacts_contact z ON z.id = e.contact_id
             WHERE e.name_id = %(page_view)s AND e.at > %(at)s::timestamptz - interval '30 days' AND e.at <= %(at)s
             GROUP BY e.contact_id HAVING count(DISTINCT (e.at AT TIME ZONE tributary_zone(z.timezone, 'UTC'))::date) >= 3)
