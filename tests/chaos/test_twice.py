"""I28 and F9: the broker may deliver a message twice, or to two workers at once; the database comes out the same."""

import pytest

from tests.chaos.conftest import Open
from tests.chaos.harness import World, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

PEOPLE = 20
ROUNDS = {"morning": 4, "afternoon": 2}  # enter; wait; say and hear; go on
WAITS = (
    "SELECT count(*) FROM flows_enrollment WHERE status = 'active' AND clock = 'elapsed' AND due_at > clock_timestamp()"
)
TASKS = [
    "contacts.tasks.make_partitions",
    "flows.tasks.attend",
    "flows.tasks.make_partitions",
    "messaging.tasks.deliver",
    "messaging.tasks.reap",
    "segmentation.tasks.pass_time",
    "segmentation.tasks.recompute_all",
    "segmentation.tasks.recompute_waiting",
    "workspace.tasks.tidy",
]


def a_day(shop: World, *, times: int, workers: int) -> list[str]:
    """Let a day pass in the shop on which every task runs so often in so many workers at once; return the tasks."""
    ran: list[str] = []
    for half, rounds in ROUNDS.items():
        shop.play(half, people=PEOPLE)
        for _ in range(rounds):
            crew = [shop.spawn("every_task", times=times) for _ in range(workers)]
            ran, *_ = [shop.answer(*one) for one in crew]
            wait_for(lambda: shop.select(WAITS) == [(0,)], "the waits are over")
    shop.play("every_task", times=1)  # what one of two left to the other when both ended
    return ran


def test_every_task_run_twice_or_by_two_workers_at_once_leaves_the_same_database(open_shop: Open) -> None:
    once, twice, at_once = open_shop(), open_shop(), open_shop()
    assert set(TASKS) <= set(a_day(once, times=1, workers=1))
    a_day(twice, times=2, workers=1)
    a_day(at_once, times=1, workers=2)
    told = once.play("dump")
    assert twice.play("dump") == told
    assert at_once.play("dump") == told
    verdict = at_once.play("judge", people=PEOPLE, pm=True)["checks"]
    assert {name: those for name, those in verdict.items() if those} == {}
