"""Intervals against figures that were published, and a verdict that never comes too early."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.intervals import newcombe, quantile, wilson
from flows.verdicts import Terms, Verdict, figure, judge
from workspace.durations import Duration

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = Duration.parse("7d")

# Newcombe, Statistics in Medicine 17 (1998): the examples of both papers, methods 3 and 10 (95 %).
SHARES = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
DIFFERENCES = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
]


@pytest.mark.parametrize(("won", "of", "low", "high"), SHARES)
def test_the_interval_of_a_share_is_that_of_wilson(won: int, of: int, low: float, high: float) -> None:
    assert wilson(won, of) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("won", "of", "other", "others", "low", "high"), DIFFERENCES)
def test_the_interval_of_a_difference_is_that_of_newcombe(
    won: int, of: int, other: int, others: int, low: float, high: float
) -> None:
    assert newcombe(won, of, other, others) == pytest.approx((low, high), abs=5e-5)


def test_95_per_cent_are_1_96_deviations() -> None:
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert wilson(0, 0) == (0.0, 1.0)  # nothing tried says nothing
    assert newcombe(0, 0, 5, 10) == (-1.0, 1.0)


@given(of=st.integers(1, 5000), data=st.data())
def test_an_interval_holds_its_share_and_widens_with_confidence(of: int, data: st.DataObject) -> None:
    won = data.draw(st.integers(0, of))
    some, more = wilson(won, of, 0.9), wilson(won, of, 0.99)
    assert 0 <= more.low <= some.low <= won / of <= some.high <= more.high <= 1


def said(long: tuple[int, int], short: tuple[int, int], days: float, sample: int = 100) -> Verdict:
    figures = [figure("long", "Long", *long, 0.95), figure("short", "Short", *short, 0.95)]
    terms = Terms(sample=sample, time=WEEK, confidence=0.95)
    return judge(figures, terms, MONDAY, MONDAY + timedelta(days=days))


def test_no_winner_is_called_before_the_sample_is_full() -> None:
    verdict = said((500, 5), (99, 60), days=30)
    assert (verdict.winner, verdict.words) == ("", "No verdict yet: 1 more contacts on a branch are needed.")


def test_no_winner_is_called_before_the_time_is_over() -> None:
    assert said((500, 5), (500, 300), days=6.99).winner == ""
    assert said((500, 5), (500, 300), days=7).winner == "short"


def test_a_difference_that_chance_makes_has_no_winner() -> None:
    verdict = said((1000, 100), (1000, 110), days=30)
    assert (verdict.winner, verdict.words) == ("", "No difference that chance would not make.")


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0, 60))
def test_a_verdict_needs_both_whatever_the_figures(long: int, short: int, days: float) -> None:
    verdict = said((400, long), (400, short), days, sample=401)
    assert verdict.winner == ""


def test_more_branches_need_to_be_surer() -> None:
    two = [figure("a", "A", 400, 60, 0.95), figure("b", "B", 400, 40, 0.95)]
    many = [*two, *(figure(port, port, 400, 40, 0.95) for port in "cdef")]
    terms, later = Terms(sample=100, time=WEEK, confidence=0.95), MONDAY + timedelta(days=8)
    assert judge(two, terms, MONDAY, later).winner == "a"
    assert judge(many, terms, MONDAY, later).winner == ""
