SELECT c.id FROM contacts_contact c WHERE ('x0' || substr(md5('spring:' || c.id), 1, 7))::bit(32)::int < 0.1 * 268435456 AND c.merged_into_id IS NULL AND c.erased_at IS NULL
