"""What must always be true of the house's own rows."""

CHECKS = {
    "I28 one tick per slot": "SELECT job, slot FROM workspace_tick GROUP BY job, slot HAVING count(*) > 1",
    "an Idempotency-Key stands only with its answer": "SELECT id FROM workspace_answer WHERE status IS NULL OR response IS NULL",
    "one workspace": "SELECT count(*) FROM workspace_workspace HAVING count(*) <> 1",
}
