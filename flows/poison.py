"""Enrollments over which workers die: what a dead worker had in hand is tried with few others, then alone, then set aside.

A batch in hand is a committed row; whoever finishes a batch, well or with an error, takes its row away. One that stays
behind although its connection is gone, or far too long, tells that its worker died (F51).
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from flows.rows import quick, select
from workspace.audit import HOUSE, record

log = structlog.get_logger()

LEASE = timedelta(minutes=5)  # behind a pooler a connection outlives its worker
FEW = 32
ALONE = 2  # so much suspicion, and an enrollment is tried alone
CRASHES = ALONE + 3  # three deaths of workers that had nothing else in hand
QUARANTINED = "quarantined: workers died here three times; try it again or take the contact out"

_BEGIN = """
INSERT INTO flows_inhand (at, backend, enrollments) VALUES (tributary_now(), pg_backend_pid(), %s::bigint[]) RETURNING id
"""


@contextmanager
def in_hand(enrollments: Sequence[int]) -> Iterator[None]:
    """Say what is being worked on, for as long as this worker lives."""
    pk = quick(_BEGIN, [enrollments])[0][0]
    try:
        yield
    except Exception:
        _finish(pk)
        raise
    _finish(pk)


def _finish(pk: int) -> None:
    quick("DELETE FROM flows_inhand WHERE id = %s::bigint", [pk])


_LEFT = """
SELECT id, enrollments FROM flows_inhand h
WHERE at < %s OR NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = h.backend)
ORDER BY id FOR UPDATE SKIP LOCKED
"""
_SUSPECT = """
INSERT INTO flows_suspect (enrollment_id, visit, crashes)
SELECT id, visit, %(least)s FROM flows_enrollment
WHERE id = ANY(%(enrollments)s) AND status = 'active' AND due_at <= %(at)s ORDER BY id
ON CONFLICT (enrollment_id) DO UPDATE
SET crashes = CASE WHEN flows_suspect.visit = excluded.visit
        THEN greatest(excluded.crashes, flows_suspect.crashes + %(alone)s) ELSE excluded.crashes END,
    visit = excluded.visit
"""
_QUARANTINE = """
UPDATE flows_enrollment AS e SET due_at = NULL, parked = %s, error = 'The worker died here.'
FROM flows_suspect s
WHERE s.enrollment_id = e.id AND s.visit = e.visit AND s.crashes >= %s AND e.status = 'active'
RETURNING e.id, e.node
"""


def settle(at: datetime) -> int:
    """Suspect what dead workers had in hand, and set aside what three of them died over that had nothing else in hand."""
    if not quick("SELECT id FROM flows_inhand LIMIT 1"):
        return 0
    with transaction.atomic():
        left = select(_LEFT, [at - LEASE])
        if not left:
            return 0
        with connection.cursor() as cursor:
            for _, enrollments in left:
                cursor.execute(_SUSPECT, {"enrollments": enrollments, "at": at, **_weight(len(enrollments))})
            cursor.execute("DELETE FROM flows_inhand WHERE id = ANY(%s)", [[pk for pk, _ in left]])
        aside = select(_QUARANTINE, [QUARANTINED, CRASHES])
        clear([pk for pk, _ in aside])
        for pk, node in aside:
            record(HOUSE, "enrollment.quarantined", f"enr_{pk}", node=node)
    log.warning("worker.died", batches=len(left), set_aside=len(aside))
    return len(left)


def _weight(many: int) -> dict[str, int]:
    """Return what a death says of each of so many: much when it was alone, little in company, where another may be to blame."""
    if many == 1:
        return {"least": ALONE + 1, "alone": 1}
    return {"least": ALONE if many <= FEW else 1, "alone": 0}


def suspects(enrollments: Collection[int]) -> list[int]:
    """Return those of these that are tried together next: few of those suspected once, or one suspected twice."""
    rows = select("SELECT enrollment_id, crashes FROM flows_suspect ORDER BY crashes, enrollment_id LIMIT 5000", [])
    among = set(enrollments)
    once = [pk for pk, crashes in rows if crashes == 1 and pk in among]
    return once[:FEW] or [pk for pk, _ in rows if pk in among][:1]


def suspected() -> set[int]:
    """Return everybody under suspicion."""
    return {row[0] for row in quick("SELECT enrollment_id FROM flows_suspect")}


def clear(enrollments: Collection[int]) -> None:
    """Suspect these no longer: a worker has been over them and lives."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM flows_suspect WHERE enrollment_id = ANY(%s)", [list(enrollments)])
