SELECT c.id FROM contacts_contact c WHERE strpos(c.first_name, 'st12') > 0 AND c.merged_into_id IS NULL AND c.erased_at IS NULL
