"""How sure a share is: intervals of one share (Wilson) and of the difference of two (Newcombe); pure functions.

E. B. Wilson, JASA 22 (1927); R. G. Newcombe, Statistics in Medicine 17 (1998), methods 3 and 10.
"""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

NORMAL = NormalDist()


class Interval(NamedTuple):
    """From where to where."""

    low: float
    high: float


def quantile(confidence: float) -> float:
    """Return how many standard deviations either side hold this share of a normal distribution: 0.95 → 1.96."""
    if not 0 < confidence < 1:
        raise ValueError("A confidence lies between 0 and 1.")
    return NORMAL.inv_cdf((1 + confidence) / 2)


def wilson(won: int, of: int, confidence: float = 0.95) -> Interval:
    """Return the interval of the share behind `won` of `of`; nothing tried says nothing."""
    if of <= 0:
        return Interval(0.0, 1.0)
    z = quantile(confidence)
    share, square = won / of, z * z
    middle = share + square / (2 * of)
    reach = z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    low, high = (middle - reach) / scale, (middle + reach) / scale
    return Interval(0.0 if won == 0 else max(low, 0.0), 1.0 if won == of else min(high, 1.0))


def newcombe(won: int, of: int, other_won: int, other_of: int, confidence: float = 0.95) -> Interval:
    """Return the interval of the first share less the second; above 0 the first is better."""
    if of <= 0 or other_of <= 0:
        return Interval(-1.0, 1.0)
    one, two = won / of, other_won / other_of
    mine, theirs = wilson(won, of, confidence), wilson(other_won, other_of, confidence)
    less = sqrt((one - mine.low) ** 2 + (theirs.high - two) ** 2)
    more = sqrt((mine.high - one) ** 2 + (two - theirs.low) ** 2)
    return Interval(one - two - less, one - two + more)
