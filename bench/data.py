"""Contacts and events of the workloads: always the same for a size."""

from datetime import datetime

from django.db import connection

from contacts.models import EventName, name_id

NAMES = ("page_view", "add_to_cart", "purchase")
WINDOW_DAYS = 180

CONTACTS = """
INSERT INTO contacts_contact (id, user_id, email, phone, first_name, last_name, country, city, language, timezone, attributes, attributes_at, created_at)
SELECT n, 'u' || (n - %(first)s), 'u' || (n - %(first)s) || '@example.com', '', 'First' || n %% 500, 'Last' || n %% 900,
       (ARRAY['US','US','US','GB','DE','FR','BR','IN','JP','CA'])[1 + floor(10 * random())::int], '', 'en', 'UTC',
       jsonb_build_object('plan', (ARRAY['free','pro','enterprise'])[1 + floor(3 * random())::int],
                          'age', 18 + floor(60 * random())::int, 'ltv', round((1000 * random())::numeric, 2)), '{}', %(at)s
FROM generate_series(%(first)s, %(first)s + %(contacts)s - 1) n
"""
IDENTITIES = "INSERT INTO contacts_identity (kind, value, contact_id) SELECT 'user', user_id, id FROM contacts_contact WHERE id >= %(first)s"
EVENTS = """
INSERT INTO contacts_event (contact_id, name_id, at, occurred_at, received_at, source, message_id, value, properties)
SELECT %(first)s + floor(%(contacts)s * u * u)::bigint, CASE WHEN d < 0.6 THEN %(page_view)s WHEN d < 0.8 THEN %(add_to_cart)s ELSE %(purchase)s END,
       at, at, at, 'bench', 'b' || n, price, jsonb_build_object('price', price, 'sku', 's' || n %% 1000, 'category', 'c' || n %% 20)
FROM (SELECT n, random() u, random() d, 1 + floor(200 * random())::int AS price,
             %(at)s::timestamptz - random() * interval '180 days' AS at FROM generate_series(1, %(events)s) n) x
"""


def load(contacts: int, events: int, at: datetime) -> int:
    """Fill an empty base with so many contacts and events up to an instant; return the first contact's id."""
    for name in NAMES:
        EventName.objects.get_or_create(
            id=name_id(name),
            defaults={"name": name, "value_property": "price", "properties": {"price": "number", "sku": "text"}},
        )
    ids = {name: name_id(name) for name in NAMES}
    values = {"contacts": contacts, "events": events, "at": at, "first": 1_000_000, **ids}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT setseed(0.42)")
        cursor.execute(CONTACTS, values)
        cursor.execute(IDENTITIES, values)
        cursor.execute(EVENTS, values)
        cursor.execute("VACUUM ANALYZE contacts_contact, contacts_identity, contacts_event")
    return values["first"]


def clear() -> None:
    """Empty every table that the workloads fill."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE contacts_contact, contacts_identity, contacts_address, contacts_activity, contacts_moment, contacts_event, contacts_receipt,"
            " contacts_change, contacts_listmember, segmentation_membership, segmentation_transition, segmentation_tally, segmentation_owed,"
            " segmentation_evaluation, messaging_message, messaging_link, flows_entry, flows_enrollment, flows_step, flows_tally,"
            " contacts_consent, contacts_consentnow CASCADE"
        )
