SELECT c.id FROM contacts_contact c WHERE c.country = 'US' AND c.merged_into_id IS NULL AND c.erased_at IS NULL
