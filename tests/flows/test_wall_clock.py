"""Local times in the zones of the world: rule 4 and F16, pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.wall_clock import DAYS, WORKDAYS, Hours, anniversary, first_zone, instant, next_time, on_a_day

TURNS = [  # zone, day, local time, and the instant meant: moved by a gap, the first of two
    ("Europe/Amsterdam", "2026-03-29", "02:30", "2026-03-29T01:30"),
    ("Europe/Amsterdam", "2026-10-25", "02:30", "2026-10-25T00:30"),
    ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:30"),
    ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),
    ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45"),
    ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45"),
    ("Pacific/Chatham", "2026-09-27", "03:00", "2026-09-26T14:15"),
    ("Pacific/Chatham", "2026-04-05", "03:00", "2026-04-04T13:15"),
    ("America/St_Johns", "2026-03-08", "02:30", "2026-03-08T06:00"),
    ("America/St_Johns", "2026-11-01", "01:30", "2026-11-01T04:00"),
    ("America/Havana", "2026-03-08", "00:30", "2026-03-08T05:30"),
    ("America/Havana", "2026-11-01", "00:30", "2026-11-01T04:30"),
    ("Atlantic/Azores", "2026-03-29", "00:30", "2026-03-29T01:30"),
    ("Atlantic/Azores", "2026-10-25", "00:30", "2026-10-25T00:30"),
    ("America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04T03:30"),
    ("Antarctica/Troll", "2026-03-29", "02:00", "2026-03-29T02:00"),
    ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T19:00"),  # a day that Samoa never had
    ("Africa/Cairo", "2026-04-24", "00:30", "2026-04-23T22:30"),
    ("Africa/Casablanca", "2026-03-22", "02:30", "2026-03-22T02:30"),
    ("Asia/Kathmandu", "2026-03-29", "09:00", "2026-03-29T03:15"),
    ("Pacific/Kiritimati", "2026-03-29", "09:00", "2026-03-28T19:00"),
]
ZONES = sorted({zone for zone, *_ in TURNS})
INSTANTS = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("zone", "day", "at", "meant"), TURNS)
def test_f16_a_local_time_moves_by_a_gap_and_is_the_first_of_two(zone: str, day: str, at: str, meant: str) -> None:
    assert instant(date.fromisoformat(day), time.fromisoformat(at), zone) == utc(meant)


@pytest.mark.parametrize(("zone", "day", "at", "meant"), TURNS)
def test_f16_a_wait_over_a_turn_of_the_clocks_ends_once(zone: str, day: str, at: str, meant: str) -> None:
    clock = time.fromisoformat(at)
    first = next_time(utc(meant) - timedelta(hours=1), clock, (), zone)
    assert first == utc(meant)
    assert next_time(first, clock, (), zone) - first > timedelta(hours=20)  # not again in the hour that comes twice


def test_there_are_zones_enough() -> None:
    assert len(ZONES) >= 12


@settings(max_examples=300)
@given(at=INSTANTS, clock=TIMES, zone=st.sampled_from(ZONES), days=st.sets(st.sampled_from(DAYS)))
def test_f16_next_times_go_strictly_forward_and_skip_nothing(
    at: datetime, clock: time, zone: str, days: set[str]
) -> None:
    found = next_time(at, clock, days, zone)
    assert at < found <= at + timedelta(days=16)
    middle = at + (found - at) / 2
    if middle < found:
        assert next_time(middle, clock, days, zone) == found  # monotone: whenever it is asked before, the same answer
    assert next_time(found, clock, days, zone) > found


@settings(max_examples=100)
@given(at=INSTANTS, clock=TIMES, zone=st.sampled_from(ZONES))
def test_f16_a_time_of_day_comes_once_a_day(at: datetime, clock: time, zone: str) -> None:
    seen = [at]
    for _ in range(30):
        seen.append(next_time(seen[-1], clock, (), zone))
    days = [one.astimezone(ZoneInfo(zone)).date() for one in seen[1:]]
    assert len(set(days)) == len(days)
    assert (days[-1] - days[0]).days <= 30  # a day that a zone never had counts for none


@settings(max_examples=200)
@given(at=INSTANTS, opens=TIMES, closes=TIMES, zone=st.sampled_from(ZONES))
def test_a_window_lets_through_at_once_or_when_it_opens(at: datetime, opens: time, closes: time, zone: str) -> None:
    if opens == closes:
        return
    hours = Hours(opens, closes, WORKDAYS)
    found = hours.open_from(at, zone)
    assert found >= at
    assert hours.open_from(found, zone) == found  # where it lets through, it is open
    if found > at:
        assert hours.open_from(at + (found - at) / 2, zone) == found


def test_a_window_past_midnight_belongs_to_the_day_it_opens_on() -> None:
    night = Hours(time(22), time(6), ("fri",))
    assert night.open_from(utc("2026-03-07T03:00"), "UTC") == utc("2026-03-07T03:00")  # Saturday, still Friday's night
    assert night.open_from(utc("2026-03-07T23:00"), "UTC") == utc("2026-03-13T22:00")


def test_a_date_moves_to_the_next_weekday_at_the_same_time_of_day() -> None:
    saturday = utc("2026-03-07T09:00")
    assert on_a_day(saturday, WORKDAYS, "UTC") == utc("2026-03-09T09:00")
    assert on_a_day(saturday, (), "UTC") == saturday


def test_rule_4_a_leap_day_is_remembered_on_28_february_in_common_years() -> None:
    assert anniversary(date(2024, 2, 29), 2026) == date(2026, 2, 28)
    assert anniversary(date(2024, 2, 29), 2028) == date(2028, 2, 29)


def test_f17_a_name_that_is_no_zone_is_passed_over() -> None:
    assert first_zone("a" * 5000, "\x00", "Nowhere/At_All", "Asia/Tokyo") == "Asia/Tokyo"
    assert first_zone("", "") == "UTC"
