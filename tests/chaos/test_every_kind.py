"""A town in which every kind of node is passed, while everything beneath it is killed, restarted and emptied.

600 enrollments, and 10,000 with `--nightly`; TRIBUTARY_CHAOS_SIZE says another number. The report is printed at the end
of the run and kept in var/reports/.
"""

import ast
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.chaos.harness import CHUNK, PATIENCE, PROJECT, Crew, Servers, World, below, is_running, kill, wait_for, world
from tests.chaos.town import enrollments
from tests.chaos.town_judge import PROMISED
from tests.keeping import keep, size_of

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3000)]

KILLS, RESTARTS, FLUSHES = 24, 2, 2
CREW, CELERY = 2, 2
WORKERS = (
    "after_evaluation",
    "before_entry_commit",
    "after_entry_commit",
    "before_step_commit",
    "after_step_commit",
    "after_claim",
    "after_gate",
    "after_provider_call",
    "before_record",
)
COURIERS = ("sync_after_gather", "sync_before_call", "sync_before_record")
ERRANDS = {
    "after_recompute": "town_recompute",
    "after_copy": "town_copy",
    "review_approved": "town_review",
    "review_applied": "town_review",
    "before_answer_is_kept": "town_ask_once",
    "after_answer_is_kept": "town_ask_once",
}
FEEDER = "before_ingest_commit"
POINTS = (*WORKERS, *COURIERS, *ERRANDS, FEEDER)
QUIET = """
SELECT (SELECT count(*) FROM contacts_change) + (SELECT count(*) FROM segmentation_owed)
     + (SELECT count(*) FROM flows_enrollment WHERE status = 'active') + (SELECT count(*) FROM flows_reentry)
     + (SELECT count(*) FROM messaging_message WHERE settled_at IS NULL)
     + (SELECT count(*) FROM segmentation_delivery WHERE status IN ('queued', 'calling'))
     + (SELECT count(*) FROM workspace_job WHERE status IN ('waiting', 'running'))
     + (SELECT count(*) FROM flows_flow WHERE status = 'draining'),
       (SELECT count(*) FROM flows_entry WHERE outcome = 'enrolled')
"""
ENTERED = """
SELECT count(*) FROM flows_entry y JOIN flows_flow f ON f.id = y.flow_id WHERE slug = '{}' AND outcome = 'enrolled'
"""


def test_the_run_arms_every_crash_point_that_the_product_names() -> None:
    """A new point without somebody who dies there fails here."""
    named: set[str] = set()
    for folder in ("workspace", "contacts", "segmentation", "messaging", "flows", "config"):
        for path in (PROJECT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crashpoint":
                    assert isinstance(node.args[0], ast.Constant), f"{path}: a point is named by a constant"
                    named.add(str(node.args[0].value))
    assert named == set(POINTS)


def test_every_kind_of_node_loses_and_doubles_nothing_while_everything_beneath_it_dies(
    pytestconfig: pytest.Config, servers: Servers, outside: dict[str, int]
) -> None:
    seed = size_of(pytestconfig, "CHAOS_SEED", time.time_ns() % 10**6)
    size = size_of(pytestconfig, "TRIBUTARY_CHAOS_SIZE", 600, nightly=10_000)
    random.seed(seed)
    people = max(10, size // 10)
    where = {"EMAIL_URL": f"smtp://127.0.0.1:{outside['mail']}", "WITNESS_FILE": str(outside["file"])}
    with world(servers, outside={**where, "WEBHOOK_ALLOWED_HOSTS": f"127.0.0.1:{outside['web']}"}) as here:
        town = Town(here, people, seed, outside["web"])
        town.live()
        told = town.judged()
        keep("chaos", town.report(told))
        broken = {name: those for name, those in told["checks"].items() if those}
        assert not broken, f"CHAOS_SEED={seed}\n{broken}\n{here.words()}"
        assert {point: here.hit(point) for point in POINTS if not here.hit(point)} == {}
        assert all(asked for asked, _ in told["invariants"].values()), told["invariants"]
        assert set(told["invariants"]) == {f"I{number}" for number in PROMISED}
        assert here.kills >= KILLS
        assert (here.restarts, here.flushes) == (RESTARTS, FLUSHES)


@pytest.fixture
def outside(tmp_path: Any) -> Iterator[dict[str, Any]]:
    """The ports of a mail server and a web server outside, and the file in which they write down what they hear."""
    file = tmp_path / "heard.jsonl"
    command = [sys.executable, "-m", "tests.chaos.post_office", str(file)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    yield {**json.loads(process.stdout.readline()), "file": file}
    process.kill()
    process.wait()
    process.stdout.close()


class Town:
    """The people, who works for them, and who does them harm."""

    def __init__(self, here: World, people: int, seed: int, web: int) -> None:
        self.here, self.people, self.seed = here, people, seed
        here.play("town_prepare", web=web, people=people)
        self.begun = time.monotonic()
        here.start_celery("beat", "--pidfile", "")
        self.worker = self._start_worker()
        self.crew = Crew(here, CREW, WORKERS, arm=True)
        self.couriers = Crew(here, 1, COURIERS, role="carry", arm=True)
        self.person = here.spawn("town_approve")
        self.stood: list[list[str]] = []
        self.drained, self.peace = "", self.begun

    def _start_worker(self) -> Any:
        queues = "ingest,evaluation,flows,sending,celery"
        return self.here.start_celery("worker", "-Q", queues, "-c", "1", "--without-gossip", "--without-mingle")

    def live(self) -> None:
        """Let the day pass: morning, noon and afternoon, harm all the while, then peace until nothing is left to do."""
        assert self.here.play("town_morning", people=self.people, arm=FEEDER) is None
        self.here.kills += 1
        batch = max(2, self.people // 15)
        feeding = [self.here.spawn("town_morning", people=self.people, batch=batch, pause=0.5)]
        feeding += [self.here.spawn(role, people=self.people) for role in ("town_ring", "town_afternoon")]
        self.rage()
        self.wait(lambda: not any(is_running(pid) for pid, _ in feeding), "everybody has come")
        for one in feeding:
            self.here.answer(*one)
        self.wait(lambda: self.entered("renewal") == self.entered("waiting-room") == self.people, "everybody is in")
        self.drained = self.played("town_close")
        self.played("town_midday", people=self.people)
        self.wait(self.all_points_are_hit, "somebody has died at each point", arm=True)
        self.come_to_rest()
        kill(self.person[0])

    def all_points_are_hit(self) -> bool:
        """Tell whether somebody has died at each point; where couriers have nothing to do, give them something."""
        for crew in (self.crew, self.couriers):
            crew.rearm()
        if self.couriers.missing():
            self.played("town_test_destination")
        return not (self.crew.missing() or self.couriers.missing())

    def played(self, role: str, **said: Any) -> Any:
        """Play a role to its end while the others work and die on."""
        pid, out = self.here.spawn(role, **said)
        self.wait(lambda: not is_running(pid), f"{role} is done", arm=True)
        return self.here.answer(pid, out)

    def come_to_rest(self) -> None:
        """Do no more harm, and wait until nothing is left to do; should that never be, the judge will say what is left."""
        begun = time.monotonic()
        wanted = (0, enrollments(self.people))
        while self.here.select(QUIET)[0] != wanted and time.monotonic() < begun + PATIENCE + self.people / 5:
            self.muster()
            time.sleep(0.3)
        self.peace = time.monotonic() - begun

    def muster(self, arm: bool = False) -> None:
        """Put others in the place of the dead, armed where nobody has died yet: three deaths over one alone set it aside."""
        for crew in (self.crew, self.couriers):
            crew.muster(arm and bool(crew.missing()))

    def wait(self, holds: Any, what: str, arm: bool = False) -> None:
        """Keep everybody at work until something holds."""

        def look() -> bool:
            self.muster(arm)
            return bool(holds())

        wait_for(look, what, PATIENCE + self.people / 5)

    def entered(self, slug: str) -> int:
        """Count who entered a flow."""
        return int(self.here.select(ENTERED.format(slug))[0][0])

    def rage(self) -> None:
        """Do all the harm there is to do, in an order that chance chooses."""
        given = {"town_ask_once": {"secret": self.played("town_key")}}
        acts: list[Callable[[], None]] = [self.restart] * RESTARTS + [self.flush] * FLUSHES
        acts += [self.kill_celery, self.kill_pool, self.rest, self.edit]
        acts += [partial(self.run_errand, role, point, given.get(role, {})) for point, role in ERRANDS.items()]
        random.shuffle(acts)
        while acts or self.here.kills < KILLS:
            time.sleep(random.uniform(0.1, 0.6))
            self.muster(arm=True)
            if acts and random.random() < 0.6:
                acts.pop()()
            elif random.random() < 0.4:
                self.crew.kill_one()
        assert self.played("town_ask_once", **given["town_ask_once"]) == [201, 201, 1]
        assert self.played("town_review") == "running"
        assert self.played("town_copy") > 0

    def run_errand(self, role: str, point: str, given: dict[str, Any]) -> None:
        """Let somebody die whose work is rarer, on the way of it; again where the database was just away."""
        for _ in range(20):
            pid, out = self.here.spawn(role, arm=point, **given)
            self.wait(lambda pid=pid: not is_running(pid), f"{role} is done", arm=True)
            if self.here.hit(point):
                self.here.kills += 1
                return
            with suppress(AssertionError):
                self.here.answer(pid, out)

    def restart(self) -> None:
        """Restart PostgreSQL at once."""
        self.here.servers.restart_postgres()
        self.here.restarts += 1

    def flush(self) -> None:
        """Empty Valkey."""
        self.here.servers.flush_valkey()
        self.here.flushes += 1

    def kill_celery(self) -> None:
        """Kill Celery's worker, and start another."""
        self.here.children |= below(self.worker.pid)
        kill(self.worker.pid)
        self.worker.wait()
        self.worker = self._start_worker()
        self.here.kills += 1

    def kill_pool(self) -> None:
        """Kill a process of Celery's pool."""
        kill(random.choice(sorted(self.here.wait_for_pool(self.worker))))
        self.here.kills += 1

    def rest(self) -> None:
        """Pause a flow, and resume it taking in who came meanwhile."""
        self.stood.append(self.played("town_rest", seconds=2.0))

    def edit(self) -> None:
        """Publish another version and move those inside."""
        self.played("town_edit", inside="move")

    def judged(self) -> Any:
        """Ask the judge."""
        crashes = self.here.kills + self.here.restarts * (CREW + CELERY + 1)
        given = {"stood": self.stood, "drained": self.drained, "in_doubt": CHUNK}
        return self.here.play("town_judge", people=self.people, crashes=crashes, **given)

    def report(self, told: Any) -> str:
        """Return what was done to the town and what came of it, as a table."""
        here, checks = self.here, told["checks"]
        harm = f"{here.kills} kills, {here.restarts} immediate restarts of PostgreSQL, {here.flushes} flushes of Valkey"
        lines = [f"seed {self.seed}, {self.people:,} people, {time.monotonic() - self.begun:.0f} s: {harm};"
                 f" {self.peace:.0f} s from the last harm to rest"]  # fmt: skip
        lines += [f"{here.hit(point):>9,}  died at {point}" for point in POINTS]
        lines += [f"{count:>9,}  {name}" for name, count in told["counts"].items()]
        lines += [f"{n:>9,}  against {number} ({asked} queries)" for number, (asked, n) in told["invariants"].items()]
        broken = {name: those for name, those in checks.items() if those}
        lines += [f"{len(checks) - len(broken):>9,}  of {len(checks)} checks and invariants hold"]
        return "\n".join([*lines, *(f"   BROKEN  {name}: {those}" for name, those in broken.items())])
