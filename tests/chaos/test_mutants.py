"""Three small stories that certainly hurt a product built wrong, told of the real one and of three mutants."""

import os
import signal
from typing import Any

import pytest

from tests.chaos.conftest import Open
from tests.chaos.harness import World, is_frozen, wait_for
from tests.chaos.mutants import MUTANTS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

PEOPLE = 4  # numbers 0 and 3 are gold members: a mail and a webhook each; 0 never said yes to mail
WAITS = "SELECT count(*) FROM flows_enrollment WHERE status = 'active' AND due_at > clock_timestamp()"


def come(shop: World) -> None:
    """Let the people come, enter both flows and walk to where the first mail is queued."""
    shop.play("morning", people=PEOPLE)
    shop.play("turn")
    wait_for(lambda: shop.select(WAITS) == [(0,)], "the waits are over")
    shop.play("turn")


def go_on(shop: World) -> None:
    """Let time pass, as much of it as this story needs."""
    for _ in range(3):
        shop.play("deliver_once")
        shop.play("reap")
        shop.play("turn")


def broken(shop: World, crashes: int) -> dict[str, Any]:
    """Ask the judge what does not hold."""
    go_on(shop)
    checks = shop.play("judge", people=PEOPLE, crashes=crashes, in_doubt=PEOPLE * 2)["checks"]
    return {name: those for name, those in checks.items() if those}


def a_worker_dies_between_the_gate_and_the_call(shop: World) -> dict[str, Any]:
    """The gates have opened, the lease is taken, and the worker dies before it makes the call."""
    come(shop)
    assert shop.play("deliver_once", channel="email", crash_at="after_gate") is None, "it was to die"
    shop.play("reap")
    return broken(shop, crashes=1)


def a_worker_sleeps_past_its_lease_and_wakes(shop: World) -> dict[str, Any]:
    """A worker is frozen after its webhook; another takes over; the first wakes while the second is about to call."""
    come(shop)
    shop.play("deliver_once", channel="email")
    zombie = freeze(shop, "before_record")
    shop.play("reap")
    heir = freeze(shop, "after_gate")
    thaw(shop, zombie)
    thaw(shop, heir)
    return broken(shop, crashes=1)


def a_caller_queues_again_what_it_queued(shop: World) -> dict[str, Any]:
    """A COMMIT went unanswered, and whoever waited for it does the whole thing again."""
    come(shop)
    shop.play("queue_again")
    return broken(shop, crashes=0)


def freeze(shop: World, point: str) -> tuple[Any, ...]:
    """Begin to deliver webhooks in a process that freezes at a point."""
    process = shop.spawn("deliver_once", channel="webhook", stop_at=point)
    wait_for(lambda: is_frozen(process[0]), f"a worker freezes at {point}")
    return process


def thaw(shop: World, process: tuple[Any, ...]) -> None:
    """Let it go on, and wait for its end."""
    os.kill(process[0], signal.SIGCONT)
    shop.answer(process[0], process[1])


STORIES = {
    "commit_before_call": (a_worker_dies_between_the_gate_and_the_call, "what is sent was called"),
    "no_token_check": (a_worker_sleeps_past_its_lease_and_wakes, "nothing is said after it was settled"),
    "no_unique_key": (a_caller_queues_again_what_it_queued, "marketing is said at most once"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_product_survives_what_finds_out_the_mutant(open_shop: Open, mutant: str) -> None:
    assert STORIES[mutant][0](open_shop()) == {}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_same_checks_find_out_the_mutant(open_shop: Open, mutant: str) -> None:
    story, check = STORIES[mutant]
    shop = open_shop(mutant)
    if mutant == "no_unique_key":
        shop.play("drop_unique_key")
    assert check in story(shop)
