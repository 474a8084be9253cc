"""The busy morning of the record shop while everything beneath it is killed, restarted and emptied."""

import os
import random
import time
from typing import Any

import pytest

from tests.chaos.conftest import Open
from tests.chaos.harness import CHUNK, PATIENCE, Crew, World, below, kill, wait_for
from tests.chaos.story import FLOWS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

PEOPLE = 1000  # two enrollments each
KILLS, RESTARTS, FLUSHES = 20, 2, 2
CREW = 2
CELERY = 2  # processes of the real worker: its parent, whose heart works too, and one in the pool
POINTS = (
    "after_evaluation",
    "after_entry_commit",
    "before_step_commit",
    "after_step_commit",
    "after_claim",
    "after_gate",
    "after_provider_call",
    "before_record",
)
QUIET = """
SELECT (SELECT count(*) FROM contacts_change) + (SELECT count(*) FROM segmentation_owed)
     + (SELECT count(*) FROM flows_enrollment WHERE status = 'active')
     + (SELECT count(*) FROM messaging_message WHERE settled_at IS NULL),
       (SELECT count(*) FROM flows_entry)
"""


def test_nothing_is_lost_and_nothing_is_done_twice_while_workers_die_and_servers_restart(
    open_shop: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", time.time_ns() % 10**6))
    random.seed(seed)
    shop, begun = open_shop(), time.monotonic()
    monkey = Monkey(shop)
    monkey.feed("morning", people=PEOPLE, batch=20, pause=0.4)
    monkey.rage()
    wait_for(monkey.everybody_entered, "everybody has entered")  # who leaves before that never enters, rightly
    monkey.feed("afternoon", people=PEOPLE)
    monkey.finish()
    crashes = shop.kills + shop.restarts * (CREW + CELERY)
    verdict = shop.play("judge", people=PEOPLE, crashes=crashes, in_doubt=CHUNK, pm=True)
    with capsys.disabled():
        print(report(shop, verdict, seed, time.monotonic() - begun))
    broken = {name: those for name, those in verdict["checks"].items() if those}
    assert not broken, f"CHAOS_SEED={seed}\n{broken}\n{shop.words()}"
    assert shop.kills >= KILLS  # those armed to die at a point may do so late
    assert (shop.restarts, shop.flushes) == (RESTARTS, FLUSHES)


class Monkey:
    """Who kills: the crew's workers (some armed to die at a named point), Celery's, PostgreSQL, and what Valkey holds."""

    def __init__(self, shop: World) -> None:
        self.shop = shop
        self.beat = shop.start_celery("beat", "--pidfile", "")
        self.worker = self._start_worker()
        shop.wait_for_pool(self.worker)
        self.crew = Crew(shop, CREW, POINTS)
        self.feeding: tuple[Any, ...] = ()

    def _start_worker(self) -> Any:
        queues = "ingest,evaluation,flows,sending,celery"
        return self.shop.start_celery("worker", "-Q", queues, "-c", "1", "--without-gossip", "--without-mingle")

    def feed(self, half: str, **scale: Any) -> None:
        """Let people come, by a process that brings again whatever was not taken."""
        if self.feeding:
            self.shop.answer(*self.feeding)
        self.feeding = self.shop.spawn(half, **scale)

    def rage(self) -> None:
        """Do all the harm there is to do, in an order that chance chooses."""
        wait_for(lambda: self.shop.select(QUIET)[0][1] > 20, "the first people enter")
        acts = [self._restart] * RESTARTS + [self._flush] * FLUSHES + [self._kill_pool_process, self._kill_celery]
        random.shuffle(acts)
        while acts or self.shop.kills < KILLS:
            time.sleep(random.uniform(0.1, 0.9))
            self.crew.muster(arm=True)
            if acts and random.random() < 0.3:
                acts.pop()()
            elif self.shop.kills < KILLS and random.random() < 0.6:  # the others die at their points
                self.crew.kill_one()

    def everybody_entered(self) -> bool:
        """Keep the crew at work, and tell whether the morning's enrollments are all there."""
        self.crew.muster()
        return bool(self.shop.select(QUIET)[0][1] == PEOPLE * len(FLOWS))

    def _restart(self) -> None:
        self.shop.servers.restart_postgres()
        self.shop.restarts += 1

    def _flush(self) -> None:
        self.shop.servers.flush_valkey()
        self.shop.flushes += 1

    def _kill_pool_process(self) -> None:
        kill(random.choice(sorted(self.shop.wait_for_pool(self.worker))))
        self.shop.kills += 1

    def _kill_celery(self) -> None:
        self.shop.children |= below(self.worker.pid)  # they end when they notice, or with the world
        kill(self.worker.pid)
        self.worker.wait()
        self.worker = self._start_worker()
        self.shop.kills += 1

    def finish(self) -> None:
        """Let everybody work in peace until nothing is left to do."""
        self.shop.answer(*self.feeding)
        again = PEOPLE // 10  # second orders, each of which is decided too
        ends = time.monotonic() + PATIENCE
        while self.shop.select(QUIET)[0] != (0, PEOPLE * len(FLOWS) + again) and time.monotonic() < ends:
            time.sleep(0.3)  # should it never be quiet, the judge will say what is left
            self.crew.muster()


def report(shop: World, verdict: dict[str, Any], seed: int, seconds: float) -> str:
    """Return what was done to the shop and what came of it, as a table."""
    checks = verdict["checks"]
    invariants = [name for name in checks if name.startswith("invariant ")]
    lines = [
        "",
        f"chaos: seed {seed}, {seconds:.0f} s: {shop.kills} kills, {shop.restarts} immediate restarts of PostgreSQL,"
        f" {shop.flushes} flushes of Valkey",
        *(f"  {count:>7,}  {name}" for name, count in verdict["counts"].items()),
        *(
            f"  {checks[name][0] if checks[name] else 0:>7}  against: {name}"
            for name in checks
            if name not in invariants
        ),
        f"  {sum(bool(checks[name]) for name in invariants):>7}  of {len(invariants)} invariants broken",
    ]
    return "\n".join(lines)
