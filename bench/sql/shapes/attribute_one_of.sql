SELECT c.id FROM contacts_contact c WHERE c.attributes ->> 'plan' IN ('pro', 'enterprise') AND c.merged_into_id IS NULL AND c.erased_at IS NULL
