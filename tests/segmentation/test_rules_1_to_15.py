"""The rules that every product of this kind gets wrong: each one a test named after it, told as a short story.

Rule 5 (a wait's due moment) belongs to flows and is told in tests/flows.
"""

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project

from contacts.ingest import Source, take
from contacts.models import Attribute, Contact, Event
from segmentation import evaluation, services
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.conditions import KINDS
from segmentation.criteria import parse
from segmentation.difference import difference
from segmentation.history import entries_at, size_at
from segmentation.matching import preview
from segmentation.models import Evaluation, Segment, Transition
from segmentation.times import day_begins
from tests import factories
from tests.factories import JANUARY, did, members, person, say, segment
from tests.segmentation.histories import check_log
from tests.segmentation.test_stories import Poison
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Workspace
from workspace.problems import Refused
from workspace.uses import InUse

pytestmark = pytest.mark.django_db
ORDERED = {"type": "EVENT", "eventName": "Order Completed"}
US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}


def own(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    asked = {"type": "PROPERTY", "propertyName": f"customProperties.{name}", "operator": operator, **more}
    return asked if value is None else {**asked, "value": value}


def who(document: dict[str, Any], at: datetime = JANUARY) -> set[str]:
    catalogue = load_catalogue()
    found = Contact.objects.filter(q(parse(document, catalogue), at=at, catalogue=catalogue))
    return set(found.values_list("first_name", flat=True))


def settle() -> None:
    evaluation.recompute_waiting()
    while evaluation.take_changes():
        pass


def moves(slug: str) -> list[tuple[str, str, str, bool]]:
    rows = Transition.objects.filter(segment__slug=slug).order_by("pk")
    return list(rows.values_list("contact__first_name", "kind", "cause", "fires"))


def test_rule_1_every_decision_takes_the_instant_and_nothing_that_decides_reads_the_clock() -> None:
    with clock.at(JANUARY):
        did(person("Anna"), "Order Completed")
    recent = {**ORDERED, "window": {"last": "1d"}}
    assert [who(recent, JANUARY + timedelta(hours=hours)) for hours in (0, 23, 24)] == [{"Anna"}, {"Anna"}, set()]
    for path in (Path(project.BASE_DIR) / "segmentation").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                said = f"{node.value.id}.{node.attr}"
                assert said not in ("datetime.now", "datetime.utcnow", "date.today", "timezone.now", "time.time"), path


def test_rule_2_nobody_enters_a_window_because_a_future_event_ripens() -> None:
    tomorrow = JANUARY + timedelta(days=1)
    with clock.at(JANUARY):
        made = segment("Buyers", {**ORDERED, "window": {"last": "1h"}})
        settle()
        item = {"type": "track", "userId": "anna", "event": "Order Completed", "timestamp": tomorrow.isoformat()}
        assert take([item], source=Source("shop"), received_at=JANUARY) == [None]
        settle()
        assert made.memberships.count() == 1, "it counts as of its arrival"
    event = Event.objects.get()
    assert (event.at, event.received_at) == (JANUARY, JANUARY)
    assert event.occurred_at == tomorrow, "what was claimed is kept"
    for later in (timedelta(hours=2), timedelta(days=1, minutes=30)):
        with clock.at(JANUARY + later):
            evaluation.pass_time()
            assert made.memberships.count() == 0


def test_rule_3_the_last_thirty_days_are_half_open_and_exact_to_the_microsecond() -> None:
    tick = timedelta(microseconds=1)
    with clock.at(JANUARY):
        did(person("Out"), "Order Completed", JANUARY - timedelta(days=30))
        did(person("In"), "Order Completed", JANUARY - timedelta(days=30) + tick)
        did(person("Now"), "Order Completed", JANUARY)
    assert who({**ORDERED, "window": {"last": "30d"}}) == {"In", "Now"}


def test_rule_3_days_are_days_of_the_contact_else_of_the_workspace() -> None:
    Workspace.objects.update_or_create(pk=1, defaults={"timezone": "Europe/Athens"})
    late = datetime(2026, 1, 14, 23, 30, tzinfo=UTC)  # the 15th in Athens, still the 14th in New York
    with clock.at(JANUARY):
        for name, zone in (("Athens", ""), ("York", "America/New_York"), ("Odd", "not/a zone")):
            contact = person(name, timezone=zone, created_at=late)
            did(contact, "Order Completed", late)
    on = {"type": "PROPERTY", "propertyName": "createdAt", "operator": "on", "value": "2026-01-15"}
    assert who(on) == {"Athens", "Odd"}
    assert who({**ORDERED, "window": {"from": "2026-01-15", "to": "2026-01-15"}}) == {"Athens", "Odd"}
    assert who({**ORDERED, "window": {"before": "2026-01-15"}}) == {"York"}


def test_rule_4_a_day_is_24_hours_whatever_the_clocks_do_and_months_are_steps() -> None:
    after_spring = datetime(2026, 3, 29, 12, tzinfo=UTC)  # Athens lost an hour in the night before
    with clock.at(after_spring):
        anna = person("Anna", timezone="Europe/Athens")
        did(anna, "Order Completed", after_spring - timedelta(hours=23, minutes=59))
        did(person("Month"), "Order Completed", datetime(2026, 3, 1, tzinfo=UTC))
    assert who({**ORDERED, "window": {"last": "1d"}}, after_spring) == {"Anna"}
    assert who({**ORDERED, "window": {"last": "1mo"}}, datetime(2026, 3, 31, 12, tzinfo=UTC)) == {"Anna", "Month"}


def test_rule_4_a_midnight_that_does_not_exist_moves_by_the_gap_and_one_that_comes_twice_takes_the_first() -> None:
    assert day_begins(date(2026, 9, 6), "America/Santiago") == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert day_begins(date(2026, 11, 1), "America/Havana") == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_rule_4_the_29th_of_february_falls_on_the_28th_in_common_years() -> None:
    Attribute.objects.create(name="born", type="date", declared=True)
    say(person("Leap"), born="2000-02-29")
    soon = own("born", "anniversary_in_next", "1d")
    assert who(soon, datetime(2026, 2, 27, 12, tzinfo=UTC)) == {"Leap"}
    assert who(soon, datetime(2026, 2, 28, 12, tzinfo=UTC)) == set()
    assert who(soon, datetime(2028, 2, 28, 12, tzinfo=UTC)) == {"Leap"}


def test_rule_6_members_of_a_dynamic_segment_are_never_written_by_hand() -> None:
    anna = person("Anna")
    by_rule = segment("Americans", US)
    by_hand = services.create_segment(name="Friends", actor=HOUSE)
    services.add_members(by_hand, [anna.pk], actor=HOUSE)
    assert members(by_hand) == {"Anna"}
    for verb in (services.add_members, services.remove_members):
        with pytest.raises(Refused) as refused:
            verb(by_rule, [anna.pk], actor=HOUSE)
        assert refused.value.status == 409
        assert refused.value.detail.endswith(".")


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("!=", "pro", {"None", "Null", "Empty", "Free"}),
        ("not_contains", "pr", {"None", "Null", "Empty", "Free"}),
        ("not_in", ["pro"], {"None", "Null", "Empty", "Free"}),
        ("is_null", None, {"None", "Null", "Empty"}),
        ("is_not_null", None, {"Pro", "Free"}),
        ("=", "pro", {"Pro"}),
    ],
)
def test_rule_7_no_value_is_no_and_never_unknown(operator: str, value: Any, found: set[str]) -> None:
    person("None")
    for name, plan in (("Null", None), ("Empty", ""), ("Pro", "pro"), ("Free", "free")):
        say(person(name), plan=plan)
    assert who(own("plan", operator, value)) == found
    turned = {"operator": "OR", "negate": True, "conditions": [own("plan", operator, value)]}
    assert who(turned) == {"None", "Null", "Empty", "Pro", "Free"} - found


def test_rule_8_a_stored_value_of_the_wrong_type_is_no_value_for_every_operator_but_is_null() -> None:
    Attribute.objects.create(name="age", type="number", declared=True)
    for name, age in (("Forty", 40), ("Text", "40"), ("True", True), ("List", [40]), ("Old", 90)):
        say(person(name), age=age)
    person("Nothing")
    wrong = {"Text", "True", "List"}
    assert who(own("age", ">=", 40)) == {"Forty", "Old"}
    assert who(own("age", "!=", 40)) == {"Old", "Nothing"} | wrong
    assert who(own("age", "is_not_null")) == {"Forty", "Old"} | wrong
    with pytest.raises(Refused):
        who(own("age", ">", "40"))


def test_rule_8_names_not_seen_yet_warn_and_match_nobody_and_unknown_standard_ones_are_refused() -> None:
    anna = person("Anna")
    unseen = {"operator": "OR", "conditions": [own("tier", "=", "gold"), {"type": "EVENT", "eventName": "Teleported"}]}
    seen = preview(unseen, clock.now())
    assert (seen.count, len(seen.warnings)) == (0, 2)
    say(anna, tier="gold")
    assert preview(unseen, clock.now()).count == 1
    for unknown in (
        {**US, "propertyName": "planet"},
        {**US, "operator": "resembles"},
        {"type": "SEGMENT", "segment": "nobody"},
        {"type": "LIST", "list": "nobody"},
    ):
        with pytest.raises(Refused):
            parse(unknown, load_catalogue())


def test_rule_9_empty_never_means_everyone() -> None:
    person("Anna")
    for empty in ({"operator": "AND", "conditions": []}, {"operator": "OR", "negate": True, "conditions": []}, {}):
        with pytest.raises(Refused):
            segment("Nobody", empty)
    assert who({"type": "EVERYONE"}) == {"Anna"}


def test_rule_10_nesting_has_an_end_and_a_circle_is_spelled_out() -> None:
    deep: dict[str, Any] = US
    for _ in range(9):
        deep = {"operator": "AND", "conditions": [deep]}
    with pytest.raises(Refused, match="8 deep"):
        parse(deep, load_catalogue())
    with pytest.raises(Refused, match="at most 200"):
        parse({"operator": "AND", "conditions": [{"operator": "OR", "conditions": [US] * 101}] * 2}, load_catalogue())
    first = segment("First", US)
    segment("Second", {"type": "SEGMENT", "segment": "first"})
    segment("Third", {"type": "SEGMENT", "segment": "second"})
    with pytest.raises(Refused, match="first → third → second → first"):
        services.change_segment(first, criteria={"type": "SEGMENT", "segment": "third"}, actor=HOUSE)


def test_rule_11_membership_changes_are_facts_and_entered_less_exited_are_the_members_at_any_instant() -> None:
    with clock.at(JANUARY):
        made = segment("Americans", US)
        above = segment("Above", {"type": "SEGMENT", "segment": "americans"})
        settle()
        anna, ben = person("Anna"), person("Ben")
        for one in (anna, ben):
            factories.change(one, country="US")
            settle()
    with clock.at(JANUARY + timedelta(hours=1)):
        factories.change(anna, country="GR")
        settle()
    assert moves("americans") == [
        ("Anna", "entered", "data", True),
        ("Ben", "entered", "data", True),
        ("Anna", "exited", "data", True),
    ]
    inner = Transition.objects.filter(segment=above).values_list("cause", "inner_cause").distinct()
    assert set(inner) == {("segment", "data")}
    for hours, inside in ((-1, set()), (0, {anna.pk, ben.pk}), (0.9, {anna.pk, ben.pk}), (1, {ben.pk})):
        at = JANUARY + timedelta(hours=hours)
        assert size_at(made, at) == len(inside)
        assert set(entries_at(made, at).values_list("contact_id", flat=True)) == inside
    check_log()


def test_rule_12_whoever_only_grew_older_moves_at_the_first_clock_pass_and_others_are_not_read() -> None:
    assert project.CELERY_BEAT_SCHEDULE["pass_time"]["schedule"].run_every <= timedelta(seconds=60)
    with clock.at(JANUARY):
        made = segment("Fresh", {**ORDERED, "window": {"last": "1h"}})
        settle()
        did(person("Anna"), "Order Completed")
        did(person("Ben"), "Order Completed", JANUARY - timedelta(minutes=30))
        settle()
    with clock.at(JANUARY + timedelta(minutes=30)):
        assert evaluation.pass_time() == 1, "Ben alone was looked at"
    assert members(made) == {"Anna"}
    assert moves("fresh")[-1] == ("Ben", "exited", "clock", True)


@pytest.mark.parametrize(
    ("fires", "entered", "exited"),
    [("none", False, False), ("entries", True, False), ("exits", False, True), ("both", True, True)],
)
def test_rule_13_an_edit_shows_first_who_moves_and_the_editor_chooses_what_fires(
    fires: str, entered: bool, exited: bool
) -> None:
    for name, country in (("Anna", "US"), ("Ben", "GR")):
        person(name, country=country)
    made = segment("Country", US)
    settle()
    greeks = {**US, "value": "GR"}
    shown = difference(made, greeks, at=clock.now())
    assert (shown.joins.names, shown.leaves.names, shown.stays.count) == (["Ben"], ["Anna"], 0)
    assert members(made) == {"Anna"}, "looking changes nothing"
    services.change_segment(made, criteria=greeks, fires=fires, actor=HOUSE)
    settle()
    assert set(moves("country")[-2:]) == {("Ben", "entered", "edited", entered), ("Anna", "exited", "edited", exited)}


def test_rule_14_a_failed_evaluation_keeps_the_last_complete_membership_and_shows_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person("Anna", country="US")
    made = segment("Country", US)
    settle()
    monkeypatch.setitem(KINDS, "POISON", Poison)
    services.change_segment(made, criteria={"type": "POISON", "name": "Anna"}, actor=HOUSE)
    settle()
    failed = Evaluation.objects.filter(segment=made, full=True).latest("pk")
    assert (failed.status, "division by zero" in failed.error) == ("failed", True)
    assert members(made) == {"Anna"}
    services.change_segment(made, criteria={**US, "value": "GR"}, actor=HOUSE)
    settle()
    assert members(made) == set()


def test_rule_15_what_is_in_use_is_not_deleted_and_the_answer_lists_its_users() -> None:
    made = segment("Americans", US)
    segment("Above", {"type": "SEGMENT", "segment": "americans"})
    with pytest.raises(InUse) as refused:
        services.delete_segment(made, actor=HOUSE)
    assert "above" in str(refused.value).lower()
    services.archive_segment(made, actor=HOUSE)
    assert Segment.objects.get(pk=made.pk).archived_at is not None


def test_rule_3_what_is_before_an_instant_is_not_at_it() -> None:
    with clock.at(JANUARY):
        did(person("Anna"), "Order Completed", JANUARY)
    assert who({**ORDERED, "window": {"before": JANUARY.isoformat()}}) == set()
    assert who({**ORDERED, "window": {"from": JANUARY.isoformat(), "to": JANUARY.isoformat()}}) == {"Anna"}
    assert who({**ORDERED, "window": {"after": JANUARY.isoformat()}}) == set()
