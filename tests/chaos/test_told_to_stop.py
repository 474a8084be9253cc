"""F53: a worker that is told to stop finishes what it holds, leaves nothing behind, and the next one goes on."""

import os
import signal

import pytest

from tests.chaos.conftest import Open
from tests.chaos.harness import PATIENCE, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

PEOPLE = 30
QUEUES = "ingest,evaluation,flows,sending,celery"
STEPS = "SELECT count(*) FROM flows_step"
DONE = "SELECT count(*) FROM flows_enrollment WHERE status = 'completed'"
HELD = """
SELECT (SELECT count(*) FROM messaging_message WHERE status IN ('sending', 'calling')),
       (SELECT count(*) FROM flows_inhand)
"""


def test_f53_a_worker_told_to_stop_leaves_nothing_in_hand_and_the_next_goes_on(open_shop: Open) -> None:
    shop = open_shop()
    first = shop.start_celery("worker", "-Q", QUEUES, "-c", "1", "--without-mingle")
    shop.wait_for_pool(first)
    feeding = shop.spawn("morning", people=PEOPLE)
    wait_for(lambda: shop.select(STEPS)[0][0] > 0, "the worker works")
    os.kill(first.pid, signal.SIGTERM)
    first.wait(PATIENCE)
    assert shop.select(HELD) == [(0, 0)]
    shop.answer(*feeding)
    second = shop.start_celery("worker", "-Q", QUEUES, "-c", "1", "--without-mingle")
    shop.wait_for_pool(second)
    wait_for(lambda: shop.select(DONE) == [(PEOPLE * 2,)], "the next worker goes on")
    verdict = shop.play("judge", people=PEOPLE)["checks"]
    assert {name: those for name, those in verdict.items() if those} == {}
