"""Looking only where something changed comes to the same as looking at everybody, whatever happened in between.

Late, repeated, out-of-order and future events, merges, erasures, edited and new criteria, processes that begin anew.
"""

import os

import pytest

from segmentation import evaluation
from segmentation.models import Evaluation, Owed
from tests.segmentation.histories import History, check_log
from workspace import clock

pytestmark = pytest.mark.django_db
SEEDS = range(int(os.environ.get("TRIBUTARY_HISTORIES", "2")))


@pytest.mark.parametrize("seed", SEEDS)
def test_incremental_membership_equals_the_oracle_and_a_full_recompute(seed: int) -> None:
    history = History(seed)
    for _ in range(3):
        history.go_on(12)
        history.come_to_rest()
        wanted = history.wanted()
        for slug, found in history.members().items():
            assert found == wanted[slug], (slug, history.rules[slug])
        check_log()
    with clock.at(history.now):
        assert evaluation.recompute_all() == []
    assert not Evaluation.objects.exclude(status__in=["done", "cancelled"]).exists()
    assert not Owed.objects.exists()


@pytest.mark.parametrize("cuts", [[], [0.01, 2.5, 6.99], [0.5] * 20])
def test_a_clock_pass_over_any_split_of_an_interval_equals_a_full_recompute_at_its_end(cuts: list[float]) -> None:
    history = History(42, edits=False)
    history.go_on(15)
    history.come_to_rest()
    end = history.now.replace(month=3, day=31)
    for days in cuts:
        history.now += (end - history.now) * min(days / 80, 1)
        history.come_to_rest()
    history.now = end
    history.come_to_rest()
    assert history.members() == history.wanted()
    with clock.at(end):
        assert evaluation.recompute_all() == []
    check_log()
