"""What was: members at any past instant, frozen copies, overlap, muted segments; rules 11, 14 and 15 of the semantics."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.services import erase_contact
from segmentation import copying, evaluation, filling, history, recomputing, services
from segmentation.history import entries_at, size_at
from segmentation.listing import state_of, with_state
from segmentation.models import Evaluation, Membership, Segment, Transition
from segmentation.overlap import overlap
from tests import factories
from tests.factories import JANUARY, members, person, segment
from tests.segmentation.histories import check_log
from tests.segmentation.test_stories import look
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Audit
from workspace.problems import Refused
from workspace.uses import InUse, set_uses, users_of

pytestmark = pytest.mark.django_db
US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}
DAY = timedelta(days=1)


def names_at(found: Segment, day: float) -> set[str]:
    """Return who was in a segment so many days into the story."""
    return {one.contact.first_name for one in entries_at(found, JANUARY + day * DAY).select_related("contact")}


def anna_and_ben() -> Segment:
    """Anna comes on day 1, Ben on day 2; Anna leaves on day 3 and is back on day 5."""
    with clock.at(JANUARY):
        made = segment("Americans", US)
        look()
        anna, ben = person("Anna"), person("Ben")
    for day, who, country in [(1, anna, "US"), (2, ben, "US"), (3, anna, "DE"), (5, anna, "US")]:
        with clock.at(JANUARY + day * DAY):
            factories.change(who, country=country)
            look()
    return made


def test_entered_less_exited_is_members_at_any_past_instant() -> None:
    made = anna_and_ben()
    days = [0.5, 1, 1.5, 2.5, 3, 4, 5, 9]
    assert [names_at(made, day) for day in days] == [
        set(),
        {"Anna"},
        {"Anna"},
        {"Anna", "Ben"},
        {"Ben"},
        {"Ben"},
        {"Anna", "Ben"},
        {"Anna", "Ben"},
    ]
    assert [size_at(made, JANUARY + day * DAY) for day in days] == [len(names_at(made, day)) for day in days]
    assert names_at(made, 9) == members(made)
    check_log()


def test_an_instant_that_has_not_come_is_refused() -> None:
    with clock.at(JANUARY), pytest.raises(Refused, match="has not come"):
        history.past(JANUARY + DAY)


def test_a_frozen_copy_of_a_past_instant_holds_who_was_in_then_and_fires_nothing() -> None:
    made = anna_and_ben()
    with clock.at(JANUARY + 9 * DAY):
        copy = services.freeze_segment(made, at=JANUARY + 4 * DAY, actor=HOUSE)
        now = services.freeze_segment(made, actor=HOUSE, name="Now")
    assert (copy.kind, copy.rule_id) == ("static", None)
    assert members(copy) == {"Ben"}
    assert members(now) == {"Anna", "Ben"}
    assert set(Transition.objects.filter(segment__in=[copy, now]).values_list("fires", "cause")) == {(False, "manual")}
    assert services.size_of(now) == 2
    assert Audit.objects.filter(verb="segment.frozen").count() == 2
    check_log()


def test_whoever_was_erased_or_merged_since_is_not_frozen_as_they_were() -> None:
    made = anna_and_ben()
    anna = made.memberships.get(contact__first_name="Anna").contact
    with clock.at(JANUARY + 8 * DAY):
        erase_contact(contact=anna, actor=HOUSE)
        look()
        ben = made.memberships.get(contact__first_name="Ben").contact
        winner = person("Benjamin")
        type(ben).objects.filter(pk=ben.pk).update(merged_into=winner)
        copy = services.freeze_segment(made, at=JANUARY + 7 * DAY, actor=HOUSE)
    assert members(copy) == {"Benjamin"}


def test_somebody_erased_while_a_copy_is_written_is_taken_out_of_it_again() -> None:
    made = services.create_segment(name="Staff", actor=HOUSE)
    anna = person("Anna")
    services.add_members(made, [anna.pk], actor=HOUSE)
    type(anna).objects.filter(pk=anna.pk).update(erased_at=clock.now())
    assert history.drop_gone([made.pk]) == 1
    assert not Membership.objects.exists()
    check_log()


def test_overlap_counts_every_combination_of_segments() -> None:
    people = [person(f"P{number}") for number in range(6)]
    a, b, c = (services.create_segment(name=name, actor=HOUSE) for name in ("A", "B", "C"))
    for one, who in [(a, people[:4]), (b, people[2:5]), (c, people[3:])]:
        services.add_members(one, [contact.pk for contact in who], actor=HOUSE)
    found = overlap([a, b, c])
    told = {"".join(one.name for one in region.inside): (region.only, region.all) for region in found.regions}
    assert told == {
        "A": (2, 4),
        "B": (0, 3),
        "C": (1, 3),
        "AB": (1, 2),
        "AC": (0, 1),
        "BC": (1, 2),
        "ABC": (1, 1),
    }
    assert found.any == 6
    with pytest.raises(Refused, match="two to 4"):
        overlap([a, a])


def test_moves_are_chosen_by_kind_cause_contact_and_time() -> None:
    made = anna_and_ben()
    anna = Transition.objects.filter(contact__first_name="Anna").first()
    assert anna is not None
    assert history.Moves(kind="exited").of(made).count() == 1
    assert history.Moves(cause="clock").of(made).count() == 0
    assert history.Moves(contact=anna.contact_id).of(made).count() == 3
    assert history.Moves(since=JANUARY + 2 * DAY, until=JANUARY + 3 * DAY).of(made).count() == 2
    assert history.Moves(quiet=True).of(made).count() == 0


def test_unmuting_says_what_was_missed() -> None:
    made = anna_and_ben()
    with clock.at(JANUARY + 10 * DAY):
        muted = services.mute_segment(made, muted=True, actor=HOUSE)
        assert muted.muted_at == JANUARY + 10 * DAY
        factories.change(person("Cleo"), country="US")
        look()
        assert history.missed(muted) == {"entered": 1, "exited": 0}
        heard = services.mute_segment(muted, muted=False, actor=HOUSE)
    assert (heard.muted, heard.muted_at) == (False, None)
    noted = Audit.objects.get(verb="segment.unmuted")
    assert noted.detail["entered"] == 1
    factories.change(person("Dora"), country="US")
    look()
    assert made.transitions.filter(contact__first_name="Dora").get().fires


def test_an_archived_segment_is_not_evaluated_and_stands_as_it_was_for_those_that_use_it() -> None:
    inner = segment("Americans", US)
    outer = segment("Inner circle", {"type": "SEGMENT", "segment": "americans"})
    look()
    factories.change(anna := person("Anna"), country="US")
    look()
    assert members(outer) == {"Anna"}
    services.archive_segment(inner, actor=HOUSE)
    factories.change(anna, country="DE")
    factories.change(person("Ben"), country="US")
    look()
    evaluation.recompute(outer.pk)
    assert members(inner) == members(outer) == {"Anna"}
    services.unarchive_segment(inner, actor=HOUSE)
    look()
    assert members(inner) == members(outer) == {"Ben"}
    check_log()


def test_whoever_is_erased_leaves_archived_segments_too() -> None:
    made = segment("Americans", US)
    look()
    factories.change(anna := person("Anna"), country="US")
    look()
    assert members(made) == {"Anna"}
    services.archive_segment(made, actor=HOUSE)
    erase_contact(contact=anna, actor=HOUSE)
    look()
    assert not Membership.objects.exists()
    check_log()


def test_a_segment_in_use_cannot_be_deleted_and_the_answer_lists_what_uses_it() -> None:
    vip = services.create_segment(name="VIP", slug="vip", actor=HOUSE)
    segment("Inner circle", {"type": "SEGMENT", "segment": "vip"})
    set_uses("flow:win-back", {"segment:vip"})
    with pytest.raises(InUse, match="flow:win-back, segment:inner-circle"):
        services.delete_segment(vip, actor=HOUSE)
    assert [(one.kind, one.name) for one in users_of("segment:vip")] == [
        ("flow", "win-back"),
        ("segment", "Inner circle"),
    ]


def test_a_segment_being_computed_keeps_its_last_complete_membership() -> None:
    made = anna_and_ben()
    before = members(made)
    services.change_segment(made, criteria={**US, "value": "FR"}, actor=HOUSE)
    assert members(made) == before
    assert names_at(made, 9) == before
    look()
    assert members(made) == set()


def test_what_a_muted_segment_causes_in_segments_above_is_quiet_too() -> None:
    inner = services.mute_segment(segment("Americans", US), muted=True, actor=HOUSE)
    outer = segment("Inner circle", {"type": "SEGMENT", "segment": "americans"})
    look()
    factories.change(person("Anna"), country="US")
    look()
    moves = Transition.objects.filter(segment__in=[inner, outer]).values_list("segment__slug", "cause", "fires")
    assert sorted(moves) == [("americans", "data", False), ("inner-circle", "segment", False)]


def many(monkeypatch: pytest.MonkeyPatch, part: int = 2) -> Segment:
    """Have a segment of five count as very large."""
    monkeypatch.setattr(copying, "FEW", 2)
    monkeypatch.setattr(filling, "PART", part)
    made = services.create_segment(name="Crowd", actor=HOUSE)
    services.add_members(made, [person(f"P{number}").pk for number in range(5)], actor=HOUSE)
    return made


@pytest.mark.django_db(transaction=True)
def test_a_copy_of_a_crowd_is_made_by_a_worker_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = services.freeze_segment(many(monkeypatch), actor=HOUSE)
    assert (members(copy), recomputing.is_running(copy.pk)) == (set(), True)
    assert state_of(with_state(Segment.objects.filter(pk=copy.pk)).get())[0] == "evaluating"
    seen: list[tuple[int, int]] = []
    go_on = filling._go_on
    monkeypatch.setattr(filling, "_go_on", lambda one, told: (seen.append((one.done, one.total)), go_on(one, told)))
    assert copying.work() == 1
    assert seen == [(0, 0), (0, 5), (2, 5), (4, 5), (5, 5)]
    assert members(copy) == {f"P{number}" for number in range(5)}
    assert services.size_of(copy) == 5
    made = Evaluation.objects.get(segment=copy)
    assert (made.status, made.done, made.total, made.size) == ("done", 5, 5, 5)
    assert not Transition.objects.filter(segment=copy, fires=True).exists()
    assert copying.work() == 0
    check_log()


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_is_stopped_on_the_way_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = services.freeze_segment(many(monkeypatch), actor=HOUSE)
    go_on = filling._go_on

    def stop(one: Evaluation, told: Any) -> None:
        if one.done == 2:
            told.cursor().execute("UPDATE segmentation_evaluation SET cancel_requested = true WHERE id = %s", [one.pk])
        go_on(one, told)

    monkeypatch.setattr(filling, "_go_on", stop)
    copying.work()
    assert members(copy) == set()
    assert state_of(with_state(Segment.objects.filter(pk=copy.pk)).get())[0] == "stopped"
    assert not Transition.objects.filter(segment=copy).exists()


@pytest.mark.django_db(transaction=True)
def test_a_copy_whose_worker_died_is_made_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = services.freeze_segment(many(monkeypatch), actor=HOUSE)
    Evaluation.objects.filter(segment=copy).update(seen_at=clock.now())  # somebody began it, and is gone
    recomputing.recompute_waiting()
    assert copying.work() == 1
    assert len(members(copy)) == 5


def test_a_copy_that_waits_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = services.freeze_segment(many(monkeypatch), actor=HOUSE)
    assert services.cancel_evaluation(copy, actor=HOUSE)
    assert copying.work() == 0
    assert state_of(with_state(Segment.objects.filter(pk=copy.pk)).get())[0] == "stopped"
