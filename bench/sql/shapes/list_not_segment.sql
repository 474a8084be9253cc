SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
AND c.id IN (SELECT contact_id FROM contacts_listmember WHERE list_id = %(list)s)
AND NOT EXISTS (SELECT 1 FROM segmentation_membership m WHERE m.segment_id = %(segment)s AND m.contact_id = c.id)
