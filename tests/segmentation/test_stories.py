"""Segments as people meet them."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.changes import NewChange, note, set_reads
from contacts.models import Change, Contact
from segmentation import evaluation, services
from segmentation.conditions import KINDS
from segmentation.conditions.base import Condition
from segmentation.matching import events, preview, who
from segmentation.measures import Scene
from segmentation.measures import Test as RowTest
from segmentation.models import Evaluation, Membership, Owed, Segment, Transition
from segmentation.rules import save_rule
from segmentation.sql import sql
from tests import factories
from tests.factories import did, members, person, segment
from tests.segmentation.histories import check_log
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Audit
from workspace.problems import Refused
from workspace.uses import InUse, set_uses

pytestmark = pytest.mark.django_db
SEED = {
    "operator": "AND",
    "conditions": [
        {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "enterprise"}
    ],
}
THREE_ORDERS = {
    "type": "EVENT",
    "eventName": "Order Completed",
    "aggregate": {"function": "count", "operator": ">=", "value": 3},
    "window": {"last": "30d"},
}
US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}


def look() -> None:
    evaluation.recompute_waiting()
    while evaluation.take_changes():
        pass


def log(slug: str) -> list[tuple[str, str, str, bool]]:
    rows = Transition.objects.filter(segment__slug=slug).order_by("pk")
    return list(rows.values_list("contact__first_name", "kind", "cause", "fires"))


def test_the_example_of_the_documentation_makes_its_segment_on_an_empty_base() -> None:
    made = services.create_segment(name="Enterprise", kind="DYNAMIC", criteria=SEED, actor=HOUSE)
    look()
    person("Anna", attributes={"plan": "enterprise"})
    person("Ben", attributes={"plan": "free"})
    look()
    assert members(made) == {"Anna"}
    assert made.rule.document == SEED
    assert made.slug == "enterprise"
    assert preview(SEED, clock.now()).words == "all of: plan is “enterprise”"


def test_anna_buys_her_third_order_and_enters_and_leaves_when_the_first_ages_out() -> None:
    with clock.at(factories.JANUARY):
        made = segment("Regulars", THREE_ORDERS)
        look()
        anna = person("Anna")
        did(anna, "Order Completed")
        look()
    with clock.at(factories.JANUARY + timedelta(days=2)):
        did(anna, "Order Completed")
        did(anna, "Order Completed")
        look()
        assert members(made) == {"Anna"}
    edge = factories.JANUARY + timedelta(days=30)
    with clock.at(edge - timedelta(microseconds=1)):
        assert evaluation.pass_time() == 0
        assert members(made) == {"Anna"}
    with clock.at(edge):
        evaluation.pass_time()
        assert members(made) == set()
    assert log("regulars") == [("Anna", "entered", "data", True), ("Anna", "exited", "clock", True)]
    check_log()


def test_a_clock_pass_reads_nobody_whose_window_did_not_move() -> None:
    with clock.at(factories.JANUARY):
        segment("Regulars", THREE_ORDERS)
        look()
        for name in ("Anna", "Ben", "Cleo"):
            did(person(name), "Order Completed")
        look()
    with clock.at(factories.JANUARY + timedelta(days=10)):
        assert evaluation.pass_time() == 0


def test_no_order_in_a_week_enters_by_the_clock_and_leaves_with_the_next_order() -> None:
    silent = {**THREE_ORDERS, "aggregate": {"function": "count", "operator": "=", "value": 0}, "window": {"last": "7d"}}
    with clock.at(factories.JANUARY):
        made = segment("Silent", silent)
        look()
        did(anna := person("Anna"), "Order Completed")
        look()
        assert members(made) == set()
    with clock.at(factories.JANUARY + timedelta(days=7)):
        evaluation.pass_time()
        assert members(made) == {"Anna"}
        did(anna, "Order Completed")
        look()
        assert members(made) == set()


def test_a_new_contact_without_any_data_is_looked_at_by_segments_that_would_have_them() -> None:
    made = segment("Not from the US", {**US, "negate": True})
    look()
    person("Anna")
    look()
    assert members(made) == {"Anna"}


def test_an_event_that_comes_twice_or_does_not_match_moves_nobody_out() -> None:
    made = segment(
        "Spenders",
        {
            "type": "EVENT",
            "eventName": "Order Completed",
            "where": {"propertyName": "price", "operator": ">", "value": 50},
        },
    )
    look()
    anna = person("Anna")
    did(anna, "Order Completed", price=80)
    look()
    did(anna, "Order Completed", price=3)
    look()
    assert members(made) == {"Anna"}
    assert len(log("spenders")) == 1


def test_nested_segments_move_in_one_look_with_the_inner_cause() -> None:
    segment("Americans", US, slug="americans")
    top = segment("American regulars", {"type": "SEGMENT", "segment": "americans"}, THREE_ORDERS, slug="top")
    assert Segment.objects.get(slug="top").depth == 1
    look()
    anna = person("Anna")
    for _ in range(3):
        did(anna, "Order Completed")
    look()
    assert members(top) == set()
    factories.change(anna, country="US")
    evaluation.take_changes()
    assert members(top) == {"Anna"}
    assert Transition.objects.get(segment=top).cause == "segment"
    assert Transition.objects.get(segment=top).inner_cause == "data"


def test_a_static_segment_hands_its_members_up_to_the_segments_that_read_it() -> None:
    staff = services.create_segment(name="Staff", actor=HOUSE)
    top = segment("Not staff", {"type": "SEGMENT", "segment": "staff", "negate": True})
    look()
    anna, ben = person("Anna"), person("Ben")
    look()
    assert members(top) == {"Anna", "Ben"}
    assert services.add_members(staff, [anna.pk, ben.pk, 10**9], actor=HOUSE) == 2
    assert services.add_members(staff, [anna.pk], actor=HOUSE) == 0
    assert services.remove_members(staff, [ben.pk], actor=HOUSE) == 1
    look()
    assert (members(staff), members(top)) == ({"Anna"}, {"Ben"})
    assert services.size_of(staff) == 1
    assert Audit.objects.filter(verb="segment.members_added", subject=staff.ref).count() == 1
    check_log()


def test_the_members_of_a_dynamic_segment_are_not_edited_by_hand() -> None:
    made = segment("Americans", US)
    with pytest.raises(Refused, match="follow from its criteria alone") as refused:
        services.add_members(made, [person("Anna").pk], actor=HOUSE)
    assert refused.value.status == 409


def test_criteria_with_a_static_segment_and_a_dynamic_one_without_are_refused() -> None:
    with pytest.raises(Refused, match="static segment takes no criteria"):
        services.create_segment(name="Static", criteria=SEED, actor=HOUSE)
    with pytest.raises(Refused, match="needs criteria"):
        services.create_segment(name="Dynamic", kind="dynamic", actor=HOUSE)


def test_a_taken_slug_is_refused_and_a_made_one_counts_on() -> None:
    services.create_segment(name="VIP", actor=HOUSE)
    with pytest.raises(Refused, match="is taken"):
        services.create_segment(name="Other", slug="vip", actor=HOUSE)
    assert services.create_segment(name="VIP", actor=HOUSE).slug == "vip-2"


def test_edited_criteria_fire_what_the_editor_chose() -> None:
    made = segment("Place", US)
    person("Anna", country="US")
    person("Ben", country="GR")
    look()
    set_reads("version:1", 2, {"segment:place"})
    Change.objects.all().delete()
    services.change_segment(made, criteria={**US, "value": "GR"}, fires="entries", actor=HOUSE)
    assert members(made) == {"Anna"}, "until the new rule has been looked at for everybody, members stay"
    look()
    assert members(made) == {"Ben"}
    assert {(name, kind, fires) for name, kind, cause, fires in log("place") if cause == "edited"} == {
        ("Anna", "entered", False),
        ("Anna", "exited", False),
        ("Ben", "entered", True),
    }
    assert set(Change.objects.values_list("fact", "stage", "cause")) == {("segment:place", 2, "edited")}


def test_a_contact_touched_while_an_edit_waits_moves_with_the_edit_and_not_before() -> None:
    made = segment("Place", US)
    anna = person("Anna", country="GR")
    look()
    services.change_segment(made, criteria={**US, "value": "GR"}, fires="none", actor=HOUSE)
    factories.change(anna, country="GR")
    evaluation.take_changes()
    assert members(made) == set()
    assert Owed.objects.filter(contact=anna, segment=made).exists()
    look()
    assert log("place") == [("Anna", "entered", "edited", False)]
    assert not Owed.objects.exists()


def test_a_failed_evaluation_changes_nothing_and_shows_why(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Americans", US)
    person("Anna", country="US")
    look()
    before = Segment.objects.get(pk=made.pk).evaluated_at
    monkeypatch.setitem(KINDS, "POISON", Poison)
    rule = save_rule({"type": "POISON", "name": "Anna"})
    Segment.objects.filter(pk=made.pk).update(rule=rule)
    failed = evaluation.recompute(made.pk)
    assert failed is not None
    assert (failed.status, "division by zero" in failed.error) == ("failed", True)
    assert members(made) == {"Anna"}
    assert Segment.objects.get(pk=made.pk).evaluated_at == before


class Poison(Condition):
    """A condition that cannot be asked of one contact."""

    label = "Poison"
    example: dict[str, Any] = {}
    type: str
    name: str

    def measure(self, scene: Scene) -> RowTest:
        return RowTest(
            where=sql(
                "1 / (CASE WHEN {c}.first_name = {name}::text THEN 0 ELSE 1 END) = 1", c=scene.contact, name=self.name
            )
        )

    def reads(self) -> Any:
        yield "attribute:firstName"

    def words(self) -> str:
        return f"is not poisoned like {self.name}"


def test_one_poison_contact_is_set_aside_visibly_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "POISON", Poison)
    made = segment("Careful", {"type": "POISON", "name": "Mallory"})
    other = segment("Named", {"type": "PROPERTY", "propertyName": "firstName", "operator": "is_not_null"})
    look()
    for number in range(9):
        person(f"Person {number}")
    person("Mallory")
    look()
    assert len(members(made)) == 9
    assert len(members(other)) == 10
    assert Owed.objects.get().contact.first_name == "Mallory"
    parked = Evaluation.objects.get(status="failed")
    assert "division by zero" in parked.error
    assert not Change.objects.filter(stage=1).exists()


def test_a_muted_segment_writes_transitions_that_fire_nothing() -> None:
    made = services.mute_segment(segment("Americans", US), muted=True, actor=HOUSE)
    look()
    factories.change(person("Anna"), country="US")
    look()
    assert log(made.slug) == [("Anna", "entered", "data", False)]


def test_a_quiet_fact_makes_a_quiet_transition() -> None:
    segment("Buyers", {"type": "EVENT", "eventName": "Order Completed"})
    look()
    did(person("Anna"), "Order Completed", fires=False)
    look()
    assert log("buyers") == [("Anna", "entered", "data", False)]


@pytest.mark.parametrize("cause", ["merged", "erased"])
def test_whoever_is_gone_leaves_every_segment_static_ones_too(cause: str) -> None:
    static = services.create_segment(name="Staff", actor=HOUSE)
    made = segment("Americans", US)
    look()
    anna = person("Anna", country="US")
    ben = person("Ben", country="US")
    factories.change(anna, country="US")
    factories.change(ben, country="US")
    services.add_members(static, [anna.pk, ben.pk], actor=HOUSE)
    look()
    assert members(made) == {"Anna", "Ben"}
    gone = {"merged_into": ben} if cause == "merged" else {"erased_at": clock.now()}
    Contact.objects.filter(pk=anna.pk).update(**gone)
    note([NewChange(anna.pk, "contact", cause, at=clock.now(), fires=False)])
    look()
    assert members(made) == members(static) == {"Ben"}
    assert log("staff")[-1] == ("Anna", "exited", cause, False)


def test_changes_go_on_to_flows_only_when_flows_read_them() -> None:
    segment("Americans", US)
    look()
    set_reads("version:1", 2, {"attribute:country"})
    anna = person("Anna")
    factories.change(anna, country="US")
    look()
    assert list(Change.objects.values_list("fact", "stage")) == [("attribute:country", 2)]


def test_a_segment_in_use_is_not_deleted_but_archived() -> None:
    inner = segment("Americans", US)
    segment("Regular Americans", {"type": "SEGMENT", "segment": "americans"})
    with pytest.raises(InUse, match="segment:regular-americans"):
        services.delete_segment(inner, actor=HOUSE)
    services.archive_segment(inner, actor=HOUSE)
    factories.change(person("Anna"), country="US")
    look()
    assert members(inner) == set()
    services.unarchive_segment(inner, actor=HOUSE)
    look()
    assert members(inner) == {"Anna"}


def test_deleting_a_segment_takes_its_history_with_it() -> None:
    made = segment("Americans", US)
    person("Anna", country="US")
    look()
    services.delete_segment(made, actor=HOUSE)
    assert not Transition.objects.exists()
    assert not Membership.objects.exists()
    set_uses("flow:x", {"segment:americans"})


def test_segments_in_a_circle_are_refused_with_the_circle_spelled_out() -> None:
    first = segment("First", US)
    segment("Second", {"type": "SEGMENT", "segment": "first"})
    with pytest.raises(Refused, match="first → second → first"):
        services.change_segment(first, criteria={"type": "SEGMENT", "segment": "second"}, actor=HOUSE)


def test_depths_follow_when_a_lower_segment_comes_to_stand_on_others() -> None:
    bottom = segment("Bottom", US)
    segment("Middle", {"type": "SEGMENT", "segment": "bottom"})
    segment("Top", {"type": "SEGMENT", "segment": "middle"})
    segment("Base", US)
    services.change_segment(bottom, criteria={"type": "SEGMENT", "segment": "base"}, actor=HOUSE)
    depths = dict(Segment.objects.values_list("slug", "depth"))
    assert depths == {"base": 0, "bottom": 1, "middle": 2, "top": 3}


def test_a_duplicate_has_the_same_criteria_or_the_same_members() -> None:
    made = segment("Americans", US)
    static = services.create_segment(name="Staff", actor=HOUSE)
    services.add_members(static, [person("Anna", country="US").pk], actor=HOUSE)
    copies = [services.duplicate_segment(one, actor=HOUSE) for one in (made, static)]
    look()
    assert [members(one) for one in copies] == [{"Anna"}, {"Anna"}]
    assert [one.slug for one in copies] == ["americans-copy", "staff-copy"]


def test_drift_is_mended_at_night_with_the_cause_repair_and_fires_nothing() -> None:
    made = segment("Americans", US)
    person("Anna", country="US")
    look()
    Contact.objects.update(country="")  # behind the back of everybody
    assert [one.exited for one in evaluation.recompute_all()] == [1]
    assert log(made.slug)[-1] == ("Anna", "exited", "repair", False)
    assert evaluation.recompute_all() == []


def test_refreshing_leaves_an_evaluation_and_a_later_request_takes_the_place_of_a_waiting_one() -> None:
    made = segment("Americans", US)
    look()
    services.refresh_segment(made, actor=HOUSE)
    services.change_segment(made, criteria={**US, "value": "GR"}, actor=HOUSE)
    assert evaluation.recompute_waiting() == 1
    newest = Evaluation.objects.filter(segment=made, full=True).order_by("-pk")
    assert [one.status for one in newest] == ["done", "cancelled", "done"]


def test_a_waiting_evaluation_can_be_cancelled_and_members_stay() -> None:
    made = segment("Americans", US)
    person("Anna", country="US")
    look()
    services.change_segment(made, criteria={**US, "value": "GR"}, actor=HOUSE)
    assert services.cancel_evaluation(made, actor=HOUSE)
    assert evaluation.recompute_waiting() == 0
    assert members(made) == {"Anna"}


def test_sizes_and_growth_come_from_the_deltas() -> None:
    with clock.at(factories.JANUARY):
        made = segment("Americans", US)
        look()
        factories.change(person("Anna"), country="US")
        look()
    with clock.at(factories.JANUARY + timedelta(days=2)):
        factories.change(person("Ben"), country="US")
        look()
        assert [size for _, size in services.growth(made.pk, 4)] == [0, 1, 1, 2]
        assert services.sizes([made.pk]) == {made.pk: 2}


def test_small_looks_are_summed_per_minute() -> None:
    with clock.at(factories.JANUARY):
        made = segment("Americans", US)
        look()
        for name in ("Anna", "Ben", "Cleo"):
            factories.change(person(name), country="US")
            evaluation.take_changes()
    row = Evaluation.objects.get(segment=made, cause="data")
    assert (row.looks, row.entered, row.exited) == (3, 3, 0)


def test_flows_ask_many_rules_of_many_contacts_at_once_and_which_events_a_rule_means() -> None:
    anna, ben = person("Anna", country="US"), person("Ben")
    order = did(ben, "Order Completed", price=80)
    cheap = did(ben, "Order Completed", price=3)
    bought = save_rule(
        {
            "type": "EVENT",
            "eventName": "Order Completed",
            "where": {"propertyName": "price", "operator": ">", "value": 50},
        }
    )
    place = save_rule(US)
    assert who([bought, place.pk], [anna.pk, ben.pk], clock.now()) == {bought.pk: {ben.pk}, place.pk: {anna.pk}}
    assert who([bought], [], clock.now()) == {bought.pk: set()}
    assert events(bought, [order.pk, cheap.pk], clock.now()) == {order.pk}
    assert save_rule(US).pk == place.pk


def test_an_abandoned_cart_is_a_product_added_that_no_order_followed() -> None:
    cart = {
        "type": "EVENT",
        "eventName": "Product Added",
        "window": {"last": "24h"},
        "followedBy": {"eventName": "Order Completed", "negate": True, "sameProperty": "cartId"},
    }
    with clock.at(factories.JANUARY):
        made = segment("Abandoned carts", cart)
        look()
        anna, ben = person("Anna"), person("Ben")
        did(anna, "Product Added", cartId="a")
        did(ben, "Product Added", cartId="b")
        look()
        did(anna, "Order Completed", cartId="other")
        did(ben, "Order Completed", cartId="b")
        look()
        assert members(made) == {"Anna"}
    with clock.at(factories.JANUARY + timedelta(hours=24)):
        evaluation.pass_time()
        assert members(made) == set()
