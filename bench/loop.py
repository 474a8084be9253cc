"""The loop that a person would write by hand: claim a thousand that are due, branch in Python, update, log by COPY."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from bench.measure import Reading, timed

BATCH = 1000
TABLES = (
    "DROP TABLE IF EXISTS bench_run, bench_log",
    "CREATE TABLE bench_run (id bigint PRIMARY KEY, contact_id bigint NOT NULL, node text NOT NULL, due_at timestamptz)",
    "CREATE TABLE bench_log (run_id bigint, visit int, node text, port text, at timestamptz, PRIMARY KEY (run_id, visit))",
    "INSERT INTO bench_run SELECT n, n, '0', now() FROM generate_series(1, {runs}) n",
    "CREATE INDEX bench_due ON bench_run (due_at) WHERE due_at IS NOT NULL",
    "VACUUM ANALYZE bench_run",
)
CLAIM = """
SELECT id, contact_id, node FROM bench_run WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
MOVE = """
UPDATE bench_run r SET node = m.node, due_at = m.due
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS m(id, node, due) WHERE r.id = m.id
"""


@dataclass(frozen=True, slots=True)
class Looped:
    """What the loop did."""

    steps: int
    reading: Reading


def by_hand(runs: int, nodes: int) -> Looped:
    """Walk so many through so many nodes, one node a claim, and measure it with the database's part."""
    with connection.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement.format(runs=runs))
    steps, at = 0, datetime.now(UTC) + timedelta(minutes=1)
    with timed(*both()) as reading:
        while moved := _turn(at, nodes):
            steps += moved
    assert steps == runs * nodes, f"{steps} steps by hand, not {runs * nodes}"
    return Looped(steps, reading)


def both() -> tuple[int, int]:
    """Return this process and the one that serves it in the database."""
    connection.ensure_connection()
    return 0, connection.connection.info.backend_pid


def _turn(at: datetime, nodes: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, [at, BATCH])
        claimed = cursor.fetchall()
        moves = []
        for pk, contact, node in claimed:
            follows = int(node) + 1
            port = "yes" if contact % 2 else "else"
            moves.append((pk, str(follows), at if follows < nodes else None, node, port))
        cursor.execute(MOVE, [[row[0] for row in moves], [row[1] for row in moves], [row[2] for row in moves]])
        with cursor.copy("COPY bench_log (run_id, visit, node, port, at) FROM STDIN") as copy:
            for pk, follows, _, node, port in moves:
                copy.write_row((pk, int(follows), node, port, at))
    return len(claimed)
