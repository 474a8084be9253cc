"""The gates in their order, as values alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from messaging.policy import GATES, Scene, cap_of, judge, quiet_until

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
GOOD = Scene(at=NOON, planned_at=NOON, address="maria@example.com", consented=True)
WRONGS = [
    ("erased", {"alive": False}),
    ("paused", {"stream": "closed"}),
    ("not in audience", {"in_audience": False}),
    ("no address", {"address": ""}),
    ("suppressed", {"suppressed": True}),
    ("no consent", {"consented": False}),
    ("frequency cap", {"cap": 2, "said": 2}),
    ("quiet hours", {"quiet_until": NOON + timedelta(hours=8), "quiet_skips": True}),
    ("late", {"late": "send_if_under:24h", "planned_at": NOON - timedelta(hours=25)}),
    ("content error", {"fault": "There is no such tag."}),
]


def test_a_message_with_nothing_against_it_goes() -> None:
    assert judge(GOOD).outcome == "go"


@pytest.mark.parametrize("first", range(len(WRONGS)))
def test_the_first_gate_that_refuses_is_the_one_recorded(first: int) -> None:
    scene = GOOD
    for _, wrong in WRONGS[first:]:
        scene = replace(scene, **wrong)
    verdict = judge(scene)
    assert (verdict.outcome, verdict.gate) == ("refuse", WRONGS[first][0])
    assert verdict.reason.endswith(".")


def test_every_gate_has_a_case_here() -> None:
    assert len(GATES) == len(WRONGS)


def test_transactional_mail_skips_consent_caps_and_quiet_hours_but_never_suppression() -> None:
    receipt = replace(GOOD, klass="transactional", consented=False, cap=1, said=5, quiet_until=NOON)
    assert judge(receipt).outcome == "go"
    assert judge(replace(receipt, suppressed=True)).gate == "suppressed"


def test_a_webhook_needs_neither_address_nor_consent() -> None:
    assert judge(Scene(at=NOON, planned_at=NOON, channel="webhook", klass="transactional")).outcome == "go"


def test_a_paused_flow_keeps_its_messages_waiting() -> None:
    assert judge(replace(GOOD, stream="held")).outcome == "wait"
    assert judge(replace(GOOD, house_held=True)).outcome == "wait"


def test_late_work_is_sent_skipped_or_held_by_policy() -> None:
    late = replace(GOOD, planned_at=NOON - timedelta(hours=30))
    assert judge(late).outcome == "go"
    assert judge(replace(late, late="send_if_under:24h")).outcome == "refuse"
    assert judge(replace(late, late="hold")).outcome == "hold"
    assert judge(replace(late, late="hold", released=True)).outcome == "go"
    assert judge(replace(late, late="send_if_under:2d")).outcome == "go"


@pytest.mark.parametrize(
    ("zone", "at", "ends"),
    [
        ("UTC", "2026-03-10T23:30+00:00", "2026-03-11T08:00+00:00"),
        ("UTC", "2026-03-10T07:59+00:00", "2026-03-10T08:00+00:00"),
        ("UTC", "2026-03-10T08:00+00:00", None),
        ("UTC", "2026-03-10T20:59+00:00", None),
        ("America/New_York", "2026-03-11T01:30+00:00", "2026-03-11T12:00+00:00"),
        ("America/New_York", "2026-03-08T03:00+00:00", "2026-03-08T12:00+00:00"),  # the clock springs that night
        ("Asia/Kolkata", "2026-03-10T16:00+00:00", "2026-03-11T02:30+00:00"),
        ("Nowhere/Else", "2026-03-10T23:30+00:00", "2026-03-11T08:00+00:00"),
    ],
)
def test_quiet_hours_end_by_the_contacts_own_clock(zone: str, at: str, ends: str | None) -> None:
    found = quiet_until({"from": "21:00", "to": "08:00"}, datetime.fromisoformat(at), zone)
    assert found == (datetime.fromisoformat(ends) if ends else None)


def test_quiet_hours_within_one_day_and_odd_settings() -> None:
    assert quiet_until({"from": "11:00", "to": "13:00"}, NOON, "UTC") == NOON + timedelta(hours=1)
    for odd in ({}, {"from": "25:00", "to": "08:00"}, {"from": "08:00", "to": "08:00"}, {"from": 8, "to": None}):
        assert quiet_until(odd, NOON, "UTC") is None
    assert cap_of({"email": {"count": 3, "per": "7d"}}, "email") == (3, timedelta(days=7))
    assert cap_of({"email": {"count": "many"}}, "email") is None
    assert cap_of({"email": {"count": 3, "per": "soon"}}, "email") is None
