"""Rules 16-21 as a pure decision: may this contact enter now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flows import entry
from flows.entry import Facts, judge
from workspace.durations import Duration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARA = Facts(now=NOON, at=NOON, activated_at=NOON - timedelta(days=1))
HOUR = Duration.parse("1h")


def reason(**facts: Any) -> str:
    return judge(replace(MARA, **facts)).reason


def test_mara_enters_a_running_flow() -> None:
    assert judge(MARA).enrolled


def test_nobody_enters_a_flow_that_is_paused_drains_or_has_ended() -> None:
    assert [reason(status=one) for one in ("paused", "draining", "ended")] == ["paused", "draining", "not_running"]


def test_a_fact_from_before_the_activation_starts_nobody() -> None:
    assert reason(at=NOON - timedelta(days=2)) == entry.EARLY


def test_an_import_that_fires_nothing_starts_nobody() -> None:
    assert reason(fires=False) == entry.SILENT


def test_an_event_older_than_the_flow_takes_starts_nobody() -> None:
    late = {"source": "event", "at": NOON - timedelta(hours=20), "max_age": timedelta(hours=12)}
    assert reason(**late) == entry.OLD
    assert reason(**{**late, "max_age": timedelta(hours=24)}) == ""


def test_first_means_the_first_time_only() -> None:
    assert reason(which="first", nth=1) == ""
    assert reason(which="first", nth=2) == entry.NOT_FIRST


def test_again_needs_an_absence_of_at_least_so_long() -> None:
    assert reason(which="again", nth=1) == entry.NOT_AGAIN
    assert reason(which="again", nth=2, absence=timedelta(minutes=59), least_absence=HOUR) == entry.TOO_SOON
    assert reason(which="again", nth=2, absence=timedelta(hours=1), least_absence=HOUR) == ""


def test_who_is_inside_does_not_enter_twice() -> None:
    assert reason(inside=True) == entry.INSIDE


def test_who_left_never_enters_again_unless_reentry_is_allowed() -> None:
    left = NOON - timedelta(days=30)
    assert reason(last_exit=left) == entry.ONCE
    assert reason(last_exit=left, reentry=HOUR) == ""


def test_who_is_refused_only_for_the_gap_is_asked_again_when_it_ends() -> None:
    left = NOON - timedelta(minutes=20)
    verdict = judge(replace(MARA, last_exit=left, reentry=HOUR))
    assert (verdict.reason, verdict.again_at) == (entry.GAP, left + timedelta(hours=1))
    assert judge(replace(MARA, last_exit=left, reentry=HOUR, filter_holds=False)).again_at is None


def test_the_ceiling_refuses_whoever_comes_after_it() -> None:
    assert reason(ceiling=3, entered=2) == ""
    assert reason(ceiling=3, entered=3) == entry.CEILING
    assert reason(daily_ceiling=1, entered_today=1) == entry.CEILING


def test_more_than_twenty_entries_an_hour_are_a_loop() -> None:
    assert reason(recent=20, source="restart") == entry.LOOP


ANY_FACTS = st.builds(
    Facts,
    now=st.just(NOON),
    at=st.integers(-3000, 0).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    source=st.sampled_from(["transition", "event", "activation", "gap", "manual", "restart"]),
    status=st.sampled_from(["running", "paused", "draining", "ended"]),
    activated_at=st.just(NOON - timedelta(days=1)),
    alive=st.booleans(),
    fires=st.booleans(),
    which=st.sampled_from(["any", "first", "again"]),
    nth=st.integers(1, 4),
    absence=st.none() | st.integers(0, 200).map(lambda minutes: timedelta(minutes=minutes)),
    least_absence=st.none() | st.just(HOUR),
    inside=st.booleans(),
    last_exit=st.none() | st.integers(-200, 0).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    reentry=st.none() | st.just(HOUR),
    filter_holds=st.booleans(),
    exit_holds=st.booleans(),
    recent=st.integers(0, 25),
    ceiling=st.none() | st.integers(1, 3),
    entered=st.integers(0, 4),
)


@given(ANY_FACTS)
def test_a_verdict_enrolls_or_has_one_known_reason(facts: Facts) -> None:
    verdict = judge(facts)
    assert verdict.enrolled or verdict.reason in entry.REASONS


@given(ANY_FACTS)
def test_whoever_enters_broke_no_rule(facts: Facts) -> None:
    if judge(facts).enrolled:
        assert facts.alive
        assert facts.status == "running"
        assert not facts.inside
        assert facts.filter_holds
        assert not facts.exit_holds
        assert facts.fires or facts.source not in ("transition", "event")
        assert facts.ceiling is None or facts.entered < facts.ceiling


@given(ANY_FACTS)
def test_who_is_asked_again_enters_then_if_nothing_else_changed(facts: Facts) -> None:
    verdict = judge(facts)
    if verdict.again_at is not None:
        later = judge(replace(facts, source="gap", now=verdict.again_at))
        assert later.enrolled or later.reason in (entry.LOOP, entry.CEILING)
