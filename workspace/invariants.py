"""What must always be true of the house's own rows."""

CHECKS = {
    "I28 one tick per slot": "SELECT job, slot FROM workspace_tick GROUP BY job, slot HAVING count(*) > 1",
    "an Idempotency-Key stands only with its answer": "SELECT id FROM workspace_answer WHERE status IS NULL OR response IS NULL",
    "a reviewer is another person and another key": (
        "SELECT id FROM workspace_review WHERE reviewed_by_id IN (requested_by_id, changed_by_id)"
        " OR reviewed_key_id IN (requested_key_id, changed_key_id)"
    ),
    "an applied review has its step and its line in the record": (
        "SELECT r.id FROM workspace_review r WHERE r.status = 'applied' AND NOT (EXISTS ("
        " SELECT FROM workspace_reviewnote n WHERE n.review_id = r.id AND n.step = 'applied') AND EXISTS ("
        " SELECT FROM workspace_audit a WHERE a.subject = 'rev_' || r.id AND a.verb = 'review.applied'))"
    ),
    "a step says applied only where the review does": (
        "SELECT n.review_id FROM workspace_reviewnote n JOIN workspace_review r ON r.id = n.review_id"
        " WHERE n.step = 'applied' AND r.status <> 'applied'"
    ),
    "one standing notice about one thing": """
SELECT kind, subject FROM workspace_notice WHERE settled_at IS NULL GROUP BY 1, 2 HAVING count(*) > 1""",
    "one workspace": "SELECT count(*) FROM workspace_workspace HAVING count(*) <> 1",
}
