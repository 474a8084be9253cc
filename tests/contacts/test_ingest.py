"""Rules 2, 41, 42, 43: what items become."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.ingest import Source, take
from contacts.models import Address, Attribute, Change, Consent, ConsentNow, Contact, Event, EventName, Moment, Read
from tests.contacts.conftest import NOON, PAGE, SERVER, identify, tell, track

pytestmark = pytest.mark.django_db


def test_a_message_id_counts_once_per_source_whatever_its_body() -> None:
    first = {**track("ann", "Order Completed", revenue=5), "messageId": "m1"}
    tell(first, first)
    tell({**track("ann", "Order Completed", revenue=7), "messageId": "m1"})
    tell(first, source=Source("other shop"))
    assert sorted(Event.objects.values_list("source", "value")) == [("other shop", Decimal(5)), ("server", Decimal(5))]


def test_a_batch_is_all_or_nothing_per_item() -> None:
    faults = take(
        [
            track("ann", "A"),
            {"type": "track", "userId": "ann"},
            track("ann", "B", text="a\x00b"),
            identify("ann", email="nobody"),
            track("ann", "C"),
            "nonsense",  # type: ignore[list-item]
        ],
        source=SERVER,
        received_at=NOON,
    )
    assert [fault and fault.path for fault in faults] == [None, "event", "properties.text", "traits.email", None, ""]
    assert set(EventName.objects.values_list("name", flat=True)) == {"A", "C"}


def test_a_claimed_future_is_kept_and_counts_from_arrival() -> None:
    tell({**track("ann", "A"), "timestamp": (NOON + timedelta(days=365)).isoformat()})
    event = Event.objects.get()
    assert (event.at, event.occurred_at) == (NOON, NOON + timedelta(days=365))


def test_a_wrong_clock_is_corrected_by_what_it_said_when_it_sent() -> None:
    slow = NOON - timedelta(hours=2)
    tell({**track("ann", "A"), "timestamp": (slow - timedelta(minutes=1)).isoformat(), "sentAt": slow.isoformat()})
    assert Event.objects.get().at == NOON - timedelta(minutes=1)


def test_a_timestamp_without_zone_is_utc_and_nonsense_is_refused() -> None:
    tell({**track("ann", "A"), "timestamp": "2026-02-01T10:00:00"})
    assert Event.objects.get().at.isoformat() == "2026-02-01T10:00:00+00:00"
    for bad in (
        "2027-13-45",
        "yesterday",
        1700000000,
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "10000-01-01",
    ):
        (fault,) = take([{**track("ann", "A"), "timestamp": bad}], source=SERVER, received_at=NOON)
        assert fault is not None, bad
        assert fault.path == "timestamp"


def test_per_attribute_the_latest_instant_wins_whatever_the_order_of_arrival() -> None:
    new = {**identify("ann", plan="new", city="Rome"), "timestamp": "2026-02-02T00:00:00Z"}
    old = {**identify("ann", plan="old", tier=1), "timestamp": "2026-02-01T00:00:00Z"}
    tell(new)
    tell(old)
    ann = Contact.objects.get()
    assert (ann.attributes, ann.city) == ({"plan": "new", "tier": 1}, "Rome")


def test_null_clears_an_attribute() -> None:
    tell(identify("ann", plan="pro", email="ann@example.com"))
    tell(identify("ann", plan=None, email=None))
    ann = Contact.objects.get()
    assert (ann.attributes, ann.email) == ({}, "")
    assert not Address.objects.exists()


def test_declared_attributes_take_what_reads_exactly_as_their_type() -> None:
    Attribute.objects.create(name="age", type="number", declared=True)
    Attribute.objects.create(name="vip", type="boolean", declared=True)
    tell(identify("ann", age="42", vip="true"), identify("bo", age="42 years", vip="yes"))
    assert Contact.objects.get(user_id="ann").attributes == {"age": 42, "vip": True}
    assert Contact.objects.get(user_id="bo").attributes == {"age": "42 years", "vip": "yes"}


def test_the_catalogue_learns_names_types_and_the_value_property() -> None:
    tell(identify("ann", age=3, born="1990-02-03", tags=["a"], deep={"in": {"er": True}}))
    tell(track("ann", "Order Completed", revenue=12.5, sku="x"), track("ann", "Order Completed", price=3, revenue="4"))
    assert dict(Attribute.objects.values_list("name", "type")) == {
        "age": "number",
        "born": "date",
        "tags": "list",
        "deep.in.er": "boolean",
    }
    name = EventName.objects.get()
    assert (name.value_property, name.properties) == (
        "revenue",
        {"revenue": "number", "sku": "text", "price": "number"},
    )
    assert list(Event.objects.order_by("id").values_list("value", flat=True)) == [Decimal("12.5"), None]
    assert Moment.objects.get().instant.isoformat() == "1990-02-03T00:00:00+00:00"


def test_a_moved_date_moves_its_moment_and_a_cleared_one_takes_it_away() -> None:
    tell(identify("ann", renewal="2026-05-01T10:00:00+02:00"))
    tell(identify("ann", renewal="2026-06-01"))
    assert Moment.objects.get().instant.isoformat() == "2026-06-01T00:00:00+00:00"
    tell(identify("ann", renewal=None))
    assert not Moment.objects.exists()


def test_a_blocked_name_is_dropped() -> None:
    tell(track("ann", "Noise"))
    EventName.objects.update(blocked=True)
    tell(track("bo", "Noise"))
    assert Event.objects.count() == 1
    assert Contact.objects.count() == 1


def test_group_and_page_and_screen_are_events() -> None:
    tell(
        {"type": "group", "userId": "ann", "groupId": "acme", "traits": {"plan": "pro"}},
        {"type": "page", "userId": "ann", "name": "Home", "context": {"page": {"url": "https://shop.example/"}}},
        {"type": "screen", "userId": "ann", "name": "Cart"},
    )
    tell({"type": "group", "userId": "ann", "groupId": "acme", "traits": {"seats": 3}})
    assert Contact.objects.get().attributes == {"group": {"groupId": "acme", "plan": "pro", "seats": 3}}
    pages = Event.objects.filter(name__name="Page Viewed").order_by("id").values_list("properties", flat=True)
    assert list(pages) == [{"url": "https://shop.example/", "name": "Home"}, {"name": "Cart", "screen": True}]


def test_consent_in_traits_is_evidence_from_a_server_and_nothing_from_a_page() -> None:
    tell(identify("ann", emailSubscribed=True), identify("ann", emailSubscribed=True))
    tell({"type": "identify", "userId": "bo", "traits": {"emailSubscribed": True}}, source=PAGE)
    consent = Consent.objects.get()
    assert (consent.channel, consent.topic, consent.status) == ("email", "", "subscribed")
    assert Contact.objects.get(user_id="bo").attributes == {}


def test_an_import_never_raises_consent_over_an_unsubscribe() -> None:
    tell(identify("ann", emailSubscribed=False))
    tell(identify("ann", emailSubscribed=True), source=Source("csv", importing=True), at=NOON + timedelta(days=1))
    assert ConsentNow.objects.get().status == "unsubscribed"


def test_only_facts_that_somebody_reads_become_changes() -> None:
    Read.objects.create(fact="event:Order Completed", stage=2, reader="version:1")
    Read.objects.create(fact="attribute:customProperties.plan", stage=1, reader="rule:1")
    Read.objects.create(fact="attribute:customProperties.plan", stage=2, reader="version:1")
    tell(
        identify("ann", plan="pro", city="Rome"),
        track("ann", "Order Completed"),
        track("ann", "Order Completed"),
        lane=5,
    )
    assert sorted(Change.objects.values_list("fact", "stage", "lane")) == [
        ("attribute:customProperties.plan", 1, 5),
        ("event:Order Completed", 2, 5),
        ("event:Order Completed", 2, 5),
    ]
    assert set(Change.objects.exclude(ref=None).values_list("ref", flat=True)) == set(
        Event.objects.values_list("id", flat=True)
    )


def test_a_batch_of_a_thousand_events_is_a_handful_of_statements() -> None:
    batch = [track(f"u{i % 300}", "Order Completed", revenue=i) for i in range(1000)]
    with CaptureQueriesContext(connection) as queries:
        tell(*batch)
    assert len(queries) <= 20
    with CaptureQueriesContext(connection) as queries:
        tell(*batch)
    assert len(queries) <= 14
    assert Event.objects.count() == 2000


def test_events_keep_every_character() -> None:
    text = "tab\tline\nreturn\rback\\slash \\N \\t é 漢 🎉 \u2028 \x7f \x0b"
    tell(track("ann", "Odd \t name", text=text, **{"k\\ey\n": [1.5, True, None, {"a": text}]}))
    event = Event.objects.select_related("name").get()
    assert event.properties == {"text": text, "k\\ey\n": [1.5, True, None, {"a": text}]}
    assert event.name.name == "Odd \t name"
