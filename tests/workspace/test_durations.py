"""Durations: lengths and calendar steps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace.durations import Duration

LENGTHS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@given(st.integers(1, 999), st.sampled_from(sorted(LENGTHS)), st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)))
def test_a_length_is_the_same_whichever_way_it_is_walked(count: int, unit: str, naive: datetime) -> None:
    instant, duration = naive.replace(tzinfo=UTC), Duration.parse(f"{count}{unit}")
    assert duration.after(instant) - instant == timedelta(seconds=count * LENGTHS[unit])
    assert duration.before(duration.after(instant)) == instant
    assert str(duration) == f"{count}{unit}"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("1mo", datetime(2026, 1, 31), datetime(2026, 2, 28)),
        ("1mo", datetime(2028, 1, 31), datetime(2028, 2, 29)),
        ("1y", datetime(2028, 2, 29), datetime(2029, 2, 28)),
        ("13mo", datetime(2026, 12, 5), datetime(2028, 1, 5)),
    ],
)
def test_a_calendar_step_stays_within_the_month(text: str, start: datetime, end: datetime) -> None:
    assert Duration.parse(text).after(start) == end


def test_a_day_is_24_hours_even_where_the_clock_changes() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert Duration.parse("1d").after(before) - before == timedelta(hours=24)


@pytest.mark.parametrize(
    "text", ["", "d", "0d", "-1d", "1.5h", "1 d", "01d", "1D", "1000000s", "101y", "٣d", None, 5, "1d\n", ["1d"]]
)
def test_anything_else_is_refused_with_a_sentence(text: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        Duration.parse(text)


def test_durations_read_as_english() -> None:
    assert [Duration.parse(one).words() for one in ("1d", "30d", "1mo", "2y")] == [
        "1 day",
        "30 days",
        "1 month",
        "2 years",
    ]
