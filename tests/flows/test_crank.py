"""How a turn of the crank shares its time."""

import pytest

from flows import audiences, crank
from flows.runner import Progress
from workspace import doorbell

pytestmark = pytest.mark.django_db


def test_a_turn_whose_time_is_over_wakes_somebody_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    crank.turn(0.0)
    assert rung == ["attend"]


def test_a_turn_that_came_to_its_end_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    crank.turn()
    assert rung == []


def test_beside_fresh_work_few_members_are_taken_in_and_beside_a_backlog_as_many_as_their_share_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def take(limit: int) -> int:
        asked.append(limit)
        return limit if len(asked) < 4 else 0

    monkeypatch.setattr(audiences, "take", take)
    monkeypatch.setattr(crank.runner, "advance", lambda limit: Progress(handled=1, steps=1, fresh=1))
    crank.turn_once()
    assert asked == [crank.FEW]
    monkeypatch.setattr(crank.runner, "advance", lambda limit: Progress(handled=1000, steps=1000))
    monkeypatch.setattr(crank, "AUDIENCE_SECONDS", 600.0)
    crank.turn_once()
    assert asked == [crank.FEW, crank.MANY, crank.MANY, crank.MANY]
