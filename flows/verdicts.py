"""Which branch of an A/B test is better, and whether that may be said yet: pure, from counts and instants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.intervals import Interval, newcombe, wilson
from workspace.durations import Duration


@dataclass(frozen=True, slots=True)
class Figure:
    """One branch in numbers: who took it, who of them did what the test counts, and how sure the share is."""

    port: str
    label: str
    tried: int
    won: int
    share: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said: the better branch, or why there is none yet."""

    winner: str
    words: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When enough is known, and how sure it has to be."""

    sample: int
    time: Duration
    confidence: float


def figure(port: str, label: str, tried: int, won: int, confidence: float) -> Figure:
    """Return one branch in numbers."""
    return Figure(port, label, tried, won, won / tried if tried else 0.0, wilson(won, tried, confidence))


def judge(figures: Sequence[Figure], terms: Terms, began: datetime | None, at: datetime) -> Verdict:
    """Say which branch is better than every other; nothing before the sample and the time both hold."""
    found = tuple(figures)
    short = [one for one in found if one.tried < terms.sample]
    ends = terms.time.after(began) if began else None
    if short:
        lacks = max(terms.sample - one.tried for one in short)
        return Verdict("", f"No verdict yet: {lacks:,} more contacts on a branch are needed.", found)
    if ends is None or at < ends:
        return Verdict("", f"No verdict yet: the test runs for at least {terms.time.words()}.", found)
    best = max(found, key=lambda one: one.share)
    if all(_better(best, one, terms.confidence, len(found)) for one in found if one is not best):
        return Verdict(best.port, f"“{best.label}” is better, {terms.confidence:.0%} sure.", found)
    return Verdict("", "No difference that chance would not make.", found)


def _better(one: Figure, other: Figure, confidence: float, branches: int) -> bool:
    """Tell whether the interval of the difference lies above 0, made wider where several are compared."""
    pairs = branches * (branches - 1) / 2
    sure = 1 - (1 - confidence) / pairs
    return newcombe(one.won, one.tried, other.won, other.tried, sure).low > 0
