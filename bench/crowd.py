"""Many journeys at once, put where they stand by SQL: what a workload finds when it begins."""

from datetime import datetime

from django.db import connection

from bench.data import CONTACTS, IDENTITIES
from flows.models import Flow

FIRST = 1_000_000  # the first contact's id
ENTRIES = """
INSERT INTO flows_entry (flow_id, contact_id, source_kind, source_id, version_id, entry_key, outcome, reason, at)
SELECT %(flow)s, %(first)s + n, 'manual', 'bench', %(version)s, '', 'enrolled', '', %(at)s
FROM generate_series(0, %(contacts)s - 1) n
"""
ENROLLMENTS = """
INSERT INTO flows_enrollment (flow_id, version_id, contact_id, entry_id, entry_key, status, node, visit, lane, due_at,
    clock, waiting, restart_armed, attempts, context, entered_at, entered_on)
SELECT %(flow)s, %(version)s, e.contact_id, e.id, '', 'active', %(node)s, 2, 3,
    %(due)s::timestamptz + %(apart)s * (e.contact_id - %(first)s) * interval '1 microsecond',
    'elapsed', true, true, 0, '{}', %(at)s, (%(at)s::timestamptz AT TIME ZONE 'UTC')::date
FROM flows_entry e WHERE e.flow_id = %(flow)s AND e.source_id = 'bench'
"""
STEPS = """
INSERT INTO flows_step (enrollment_id, visit, entered_on, flow_id, version_id, contact_id, node, kind, port, next, saw, at)
SELECT id, 1, entered_on, flow_id, version_id, contact_id, 'start', 'event', 'next', node, '{}', entered_at
FROM flows_enrollment WHERE flow_id = %(flow)s
"""
TALLY = """
INSERT INTO flows_tally (flow_id, version_id, node, port, what, minute, count)
SELECT %(flow)s, %(version)s, node, port, what, date_trunc('minute', %(at)s::timestamptz), %(contacts)s
FROM (VALUES ('', '', 'entered'), ('start', '', 'arrived'), ('start', 'next', 'left'), (%(node)s, '', 'arrived')) v(node, port, what)
"""
TOUCHED = "contacts_contact, contacts_identity, flows_entry, flows_enrollment, flows_step"


def people(many: int, at: datetime) -> None:
    """Make so many contacts, u0 and on."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in ("SELECT setseed(0.42)", CONTACTS, IDENTITIES):
            cursor.execute(statement, {"first": FIRST, "contacts": many, "at": at})


def stand(flow: Flow, many: int, node: str, at: datetime, due: datetime, apart: int = 0) -> None:
    """Let the first so many contacts wait at a node since `at`, due one after the other so many microseconds apart."""
    values = {"flow": flow.pk, "version": flow.version_id, "first": FIRST, "contacts": many, "node": node}
    with connection.cursor() as cursor:
        for statement in (ENTRIES, ENROLLMENTS, STEPS, TALLY):
            cursor.execute(statement, {**values, "at": at, "due": due, "apart": apart})
        cursor.execute(f"VACUUM ANALYZE {TOUCHED}")
