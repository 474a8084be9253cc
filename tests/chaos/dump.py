"""What a database says, told by names instead of numbers and instants, so that two runs can be compared."""

from typing import Any

from django.db import connection

WHO = "JOIN contacts_contact c ON c.id = x.contact_id"
ENROLLED = "JOIN flows_enrollment e ON e.id = x.enrollment_id JOIN flows_flow f ON f.id = e.flow_id"
TABLES = {
    "contacts": "SELECT user_id, email, attributes FROM contacts_contact",
    "consents": f"SELECT c.user_id, x.channel, x.topic, x.status FROM contacts_consent x {WHO}",
    "events": f"SELECT c.user_id, n.name, x.source, x.properties ->> 'orderId' FROM contacts_event x {WHO}"
    " JOIN contacts_eventname n ON n.id = x.name_id",
    "receipts": "SELECT source, count(*) FROM contacts_receipt GROUP BY 1",
    "lists": f"SELECT l.slug, c.user_id FROM contacts_listmember x {WHO} JOIN contacts_list l ON l.id = x.list_id",
    "members": f"SELECT s.slug, c.user_id, x.seq FROM segmentation_membership x {WHO}"
    " JOIN segmentation_segment s ON s.id = x.segment_id",
    "transitions": f"SELECT s.slug, c.user_id, x.seq, x.kind, x.cause = 'repair' FROM segmentation_transition x {WHO}"
    " JOIN segmentation_segment s ON s.id = x.segment_id",
    "sizes": "SELECT s.slug, sum(entered), sum(exited) FROM segmentation_tally x"
    " JOIN segmentation_segment s ON s.id = x.segment_id GROUP BY 1",
    "entries": "SELECT f.slug, c.user_id, x.source_kind, x.outcome, x.reason, count(*)"
    f" FROM flows_entry x {WHO} JOIN flows_flow f ON f.id = x.flow_id GROUP BY 1, 2, 3, 4, 5",
    "enrollments": "SELECT f.slug, c.user_id, x.status, x.node, x.visit, x.attempts, x.error"
    f" FROM flows_enrollment x {WHO} JOIN flows_flow f ON f.id = x.flow_id",
    "steps": f"SELECT f.slug, c.user_id, x.visit, x.node, x.port, x.next FROM flows_step x {WHO} {ENROLLED}",
    "counts": "SELECT f.slug, x.node, x.port, x.what, sum(x.count) FROM flows_tally x"
    " JOIN flows_flow f ON f.id = x.flow_id GROUP BY 1, 2, 3, 4",
    "messages": "SELECT s.slug, c.user_id, x.turn, x.channel, x.status, x.gate, x.attempts, x.address"
    f" FROM messaging_message x {WHO} JOIN messaging_stream s ON s.id = x.stream_id",
    "waiting": "SELECT fact FROM contacts_change UNION ALL SELECT cause FROM segmentation_owed",
}


def dump() -> dict[str, Any]:
    """Return every table's rows, sorted."""
    told = {}
    with connection.cursor() as cursor:
        for name, sql in TABLES.items():
            cursor.execute(sql)
            told[name] = sorted(str(row) for row in cursor.fetchall())
    return told
