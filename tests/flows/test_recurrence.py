"""Dates that repeat: the next ones in local time, and rules that nobody should write."""

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import recurrence
from flows.nodes import KINDS

NINE = datetime(2026, 3, 2, 9)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def dates(rule: str, zone: str = "UTC", after: datetime = NOON, starts: datetime = NINE, count: int = 3) -> list[str]:
    return [one.strftime("%Y-%m-%d %H:%M") for one in recurrence.dates(starts, rule, zone, after, count)]


def test_the_next_three_dates() -> None:
    assert dates("FREQ=WEEKLY;BYDAY=MO,TH") == ["2026-03-05 09:00", "2026-03-09 09:00", "2026-03-12 09:00"]
    assert dates("FREQ=MONTHLY;BYMONTHDAY=-1") == ["2026-03-31 09:00", "2026-04-30 09:00", "2026-05-31 09:00"]
    assert dates("RRULE:FREQ=DAILY;COUNT=3") == ["2026-03-03 09:00", "2026-03-04 09:00"]
    assert dates("FREQ=DAILY;UNTIL=20260303T235959Z") == ["2026-03-03 09:00"]
    assert dates("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", count=2) == ["2028-02-29 09:00", "2032-02-29 09:00"]
    assert dates("", after=datetime(2026, 3, 1, tzinfo=UTC)) == ["2026-03-02 09:00"]
    assert dates("") == []


def test_rule_4_nine_o_clock_stays_nine_o_clock_over_the_change_of_the_clock() -> None:
    before = datetime(2026, 3, 28, 7, tzinfo=UTC)
    assert dates("FREQ=DAILY", "Europe/Amsterdam", before, count=2) == ["2026-03-28 08:00", "2026-03-29 07:00"]
    half_past_two = datetime(2026, 3, 1, 2, 30)
    assert dates("FREQ=DAILY", "Europe/Amsterdam", datetime(2026, 3, 29, tzinfo=UTC), half_past_two, 1) == [
        "2026-03-29 01:30"
    ]
    assert dates("FREQ=DAILY", "Europe/Amsterdam", datetime(2026, 10, 25, tzinfo=UTC), half_past_two, 1) == [
        "2026-10-25 00:30"
    ]


def test_an_hourly_rule_that_began_long_ago_is_found_at_once_and_right() -> None:
    long_ago, late = datetime(2000, 1, 1, 5, 15), datetime(2099, 6, 1, tzinfo=UTC)
    begun = time.process_time()
    assert dates("FREQ=HOURLY;INTERVAL=5", after=late, starts=long_ago)[0].endswith(":15")
    assert time.process_time() - begun < 2
    near = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert dates("FREQ=HOURLY;INTERVAL=7", after=near, starts=datetime(2026, 1, 1)) == dates(
        "FREQ=HOURLY;INTERVAL=7;COUNT=9999", after=near, starts=datetime(2026, 1, 1)
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("FREQ=SECONDLY", "once an hour"), ("FREQ=MINUTELY;INTERVAL=90", "once an hour"), ("FREQ=DAILY;BYSECOND=0,1", "once an hour"),
        ("FREQ=HOURLY;BYMINUTE=0,30", "once an hour"), ("FREQ=DAILY;BYMINUTE=1,2;BYHOUR=3", "once an hour"), ("FREQ=", "Write a rule"),
        ("", None), ("x", "Write a rule"), ("FREQ=DAILY;FREQ=DAILY", "Write a rule"), ("FREQ=DAILY;X=1", "no part"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"), ("FREQ=DAILY;INTERVAL=-1", "INTERVAL"), ("FREQ=DAILY;COUNT=99999999", "COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20300101", "not both"), ("FREQ=DAILY;INTERVAL=²", "INTERVAL"), ("FREQ=FORTNIGHTLY", "FREQ is one of"),
        ("FREQ=DAILY;" + "BYDAY=MO," * 50, "characters"), ("FREQ=DAILY\nEXDATE=1", None), ("DTSTART:20000101\nRRULE:FREQ=DAILY", "Write a rule"),
    ],
)  # fmt: skip
def test_a_rule_that_fires_too_often_or_is_none_is_refused_with_a_sentence(rule: str, why: str | None) -> None:
    if why is None:
        return
    with pytest.raises(ValueError, match=why):
        recurrence.parts_of(rule)


@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;UNTIL=20200101T000000"],
)
def test_a_rule_that_never_fires_is_found_out_soon(rule: str) -> None:
    begun = time.process_time()
    assert dates(rule) == []
    assert time.process_time() - begun < 5


@given(st.text(alphabet="FREQ=DAILYWKMOBU;,-0123456789HNTS\n:", max_size=60))
def test_whatever_is_written_is_read_or_refused_with_a_sentence(text: str) -> None:
    with suppress(ValueError):
        recurrence.dates(NINE, f"FREQ=DAILY;{text}", "UTC", NOON, 1)


@pytest.mark.parametrize(
    "starts", ["2026-02-30T09:00", "tomorrow", "2026-03-02", "1999-12-31T09:00", "2026-03-02T25:00", "9" * 30]
)
def test_a_first_time_that_is_no_date_is_refused(starts: str) -> None:
    with pytest.raises(ValueError, match=r"calendar|Write a date|at most 19"):
        KINDS["schedule"].read({"starts": starts})


def test_rules_in_words() -> None:
    assert recurrence.words("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR") == "every 2 weeks on Monday, Friday"
    assert recurrence.words("FREQ=MONTHLY;BYMONTHDAY=-1") == "every month on the last day"
    assert recurrence.words("FREQ=DAILY;COUNT=5") == "every day, 5 times"
    assert recurrence.words("FREQ=MONTHLY;BYDAY=2TU") == "FREQ=MONTHLY;BYDAY=2TU"
