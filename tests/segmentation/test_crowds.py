"""More hazards: towers built in any order, a crowd that enters at once, people who merge or go while they are looked at."""

from datetime import timedelta

import pytest
from django.db import connection

from contacts.erasing import erase_contact
from contacts.ingest import Source, take
from contacts.models import Attribute, Contact, Moment
from segmentation import evaluation, filling, services
from segmentation.catalogue import load_catalogue
from segmentation.criteria import leaves, parse
from segmentation.measures import Scene
from segmentation.models import Transition
from tests import factories
from tests.factories import JANUARY, did, members, person, segment
from tests.segmentation.histories import check_log
from tests.segmentation.test_hazards import Aside, settle, stopped_at
from workspace import clock
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db(transaction=True)
US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}
ORDERED = {"type": "EVENT", "eventName": "Order"}


def within(slug: str, **said: object) -> dict[str, object]:
    return {"type": "SEGMENT", "segment": slug, **said}


def test_nested_segments_come_right_whichever_is_looked_at_first() -> None:
    lower = segment("Lower", US)
    middle = segment("Middle", within("lower"))
    upper = segment("Upper", within("middle", negate=True))
    settle()
    anna = person("Anna")
    settle()
    assert members(upper) == {"Anna"}
    services.change_segment(lower, criteria={**US, "value": "GR"}, actor=HOUSE)
    factories.change(anna, country="GR")
    while evaluation.take_changes():  # the upper ones look while the lowest still waits for its new criteria
        pass
    for one in (upper, middle, lower):
        evaluation.recompute(one.pk)
    while evaluation.take_changes():
        pass
    assert [members(one) for one in (lower, middle, upper)] == [{"Anna"}, {"Anna"}, set()]
    assert evaluation.recompute_all() == []
    check_log()


def test_a_crowd_that_enters_at_once_is_written_once_and_handed_up_whole() -> None:
    segment("Americans", US)
    above = segment("Above", within("americans"))
    settle()
    crowd = Contact.objects.bulk_create([Contact(country="US") for _ in range(5000)])
    assert evaluation.recompute_all(), "the night finds them"
    settle()
    assert above.memberships.count() == len(crowd)
    assert Transition.objects.count() == 2 * len(crowd)
    check_log()


def test_a_contact_who_merges_while_a_look_runs_is_in_no_segment_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Buyers", ORDERED)
    settle()
    shop = Source("shop")

    def tell(**item: object) -> None:
        assert take([item], source=shop, received_at=clock.now()) == [None]

    tell(type="identify", userId="anna", traits={})
    tell(type="track", anonymousId="a1", event="Order", properties={})
    with stopped_at(monkeypatch, evaluation, "look") as (here, go_on):
        first = Aside(evaluation.take_changes)
        assert here.wait(30)
        merge = Aside(lambda: tell(type="identify", userId="anna", anonymousId="a1", traits={}))
        go_on.set()
        first.done()
        merge.done()
    settle()
    assert list(made.memberships.values_list("contact__user_id", flat=True)) == ["anna"]
    check_log()


def test_a_contact_who_is_erased_while_a_full_evaluation_runs_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Buyers", ORDERED)
    settle()
    anna, ben = person("Anna"), person("Ben")
    for one in (anna, ben):
        did(one, "Order")
    with stopped_at(monkeypatch, filling, "_write") as (here, go_on):
        full = Aside(lambda: evaluation.recompute(made.pk))
        assert here.wait(30)
        erase_contact(contact=anna, actor=HOUSE)
        evaluation.take_changes()
        go_on.set()
        full.done()
    settle()
    assert set(made.memberships.values_list("contact_id", flat=True)) == {ben.pk}
    check_log()


def test_the_clock_pass_finds_dates_by_their_index_and_never_reads_all_contacts() -> None:
    Attribute.objects.create(name="until", type="date", declared=True)
    people = Contact.objects.bulk_create([Contact(attributes={"until": "2026-03-01"}) for _ in range(200)])
    Moment.objects.bulk_create(
        [Moment(contact=one, attribute="until", instant="2026-03-01T00:00:00Z") for one in people]
    )
    catalogue = load_catalogue()
    for operator in ("in_last", "in_next", "anniversary_in_next"):
        document = {"type": "PROPERTY", "propertyName": "customProperties.until", "operator": operator, "value": "7d"}
        (leaf,) = leaves(parse(document, catalogue).root)
        scene = Scene(at=JANUARY, catalogue=catalogue)
        (edge,) = leaf.edges(scene, JANUARY, JANUARY.replace(hour=13))
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {edge.text}", edge.params)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            cursor.execute("RESET enable_seqscan")
        assert "moment_instant" in plan
        assert "Seq Scan on contacts_contact" not in plan


def test_a_retry_of_an_event_without_a_timestamp_counts_once_as_of_its_first_arrival() -> None:
    twice = {**ORDERED, "aggregate": {"function": "count", "operator": ">=", "value": 2}}
    with clock.at(JANUARY):
        made, again = segment("Buyers", {**ORDERED, "window": {"last": "1h"}}), segment("Regulars", twice)
        settle()
    item = {"type": "track", "userId": "anna", "event": "Order", "messageId": "m1", "properties": {}}
    for minutes in (0, 50):
        arrived = JANUARY + timedelta(minutes=minutes)
        with clock.at(arrived):
            assert take([item], source=Source("shop"), received_at=arrived) == [None]
            settle()
    assert (made.memberships.count(), again.memberships.count()) == (1, 0)
    with clock.at(JANUARY + timedelta(hours=1)):
        evaluation.pass_time()
    assert made.memberships.count() == 0
    check_log()
