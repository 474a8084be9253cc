"""Several workers at once: nothing lost, nothing twice (design.md, hazards a concurrency test must show survived)."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from contacts.models import Change
from contacts.services import erase_contact
from flows import audiences, crank, intake, locks, runner, services
from flows.models import Enrollment, Entry, Flow, Step
from flows.runner import Progress
from messaging.models import Message
from segmentation.services import add_members
from tests.flows.conftest import NOON, STARTS, WELCOME, World, broken, wait
from workspace.audit import HOUSE
from workspace.models import Notice

PEOPLE = 120


def together(*work: Callable[[], Any]) -> list[Any]:
    """Run these at the same time, each with a connection of its own on the world's clock; return what they returned."""
    found: list[Any] = [None] * len(work)
    gate = threading.Barrier(len(work))

    def run(index: int) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('tributary.now', %s, false)", [instant])
            gate.wait()
            found[index] = work[index]()
        except BaseException as error:
            found[index] = error
        finally:
            connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT tributary_now()::text")
        (instant,) = cursor.fetchone()
    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


def until_done(turn: Callable[[], int]) -> Callable[[], int]:
    """Turn until three turns in a row moved nothing: another worker may hold what is left."""

    def work() -> int:
        moved, idle = 0, 0
        while idle < 3:
            step = turn()
            moved, idle = moved + step, 0 if step else idle + 1
        return moved

    return work


def sign_up(world: World, count: int = PEOPLE) -> None:
    world.meets(*[f"p{n}" for n in range(count)])
    for n in range(count):
        world.did(f"p{n}", "Signed Up")


def test_two_runners_at_once_make_each_step_once(real_world: World) -> None:
    real_world.flow(STARTS, wait("1h"), WELCOME)
    sign_up(real_world)
    together(*[until_done(lambda: intake.take(20))] * 2)
    assert Entry.objects.count() == Enrollment.objects.count() == PEOPLE
    together(*[until_done(lambda: runner.run(15))] * 3)
    assert Step.objects.count() == PEOPLE
    real_world.turn_clock(NOON.replace(hour=14))
    together(*[until_done(lambda: runner.run(15))] * 3)
    assert Step.objects.count() == 3 * PEOPLE
    assert Message.objects.count() == PEOPLE
    assert Enrollment.objects.filter(status="completed").count() == PEOPLE


def test_a_version_published_while_steps_run_leaves_everybody_on_a_path_of_one_version(real_world: World) -> None:
    flow = real_world.flow(STARTS, wait("1h"), WELCOME)
    sign_up(real_world)
    real_world.settle()
    real_world.turn_clock(NOON.replace(hour=14))
    services.drafts.insert_node(flow, "update_contact", source="wait", key="new",
                                settings={"changes": [{"attribute": "city", "set": "Here"}]})  # fmt: skip
    together(until_done(lambda: runner.run(10)), lambda: services.publish_flow(flow, actor=HOUSE, inside="move"))
    real_world.settle()
    assert Enrollment.objects.filter(status="completed").count() == PEOPLE
    assert Step.objects.filter(node="mail").count() == PEOPLE


def test_who_signs_up_just_before_another_version_is_published_enters_that_one(real_world: World) -> None:
    flow = real_world.flow(STARTS, wait("1h"), WELCOME)
    sign_up(real_world, 3)
    services.drafts.insert_node(flow, "update_contact", source="wait", key="new",
                                settings={"changes": [{"attribute": "city", "set": "Here"}]})  # fmt: skip
    held = threading.Event()

    def publish() -> None:
        with transaction.atomic():
            services.publish_flow(flow, actor=HOUSE, inside="move")
            held.set()
            until_somebody_waits_for_the_flow()

    def take() -> int:
        held.wait()
        return intake.take(20)

    together(publish, take)
    flow.refresh_from_db()
    assert Entry.objects.filter(outcome="enrolled").count() == 3
    assert set(Enrollment.objects.values_list("version", flat=True)) == {flow.version_id}


def until_somebody_waits_for_the_flow() -> None:
    """Come back when another transaction has asked for a flow's lock and does not have it."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted"
    for _ in range(2000):
        with connection.cursor() as cursor:
            cursor.execute(waiting, [locks.CLASS])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.005)
    raise AssertionError("nobody waits for the flow")


def test_activation_of_current_and_new_while_people_enter_takes_everybody_in_once(real_world: World) -> None:
    segment = real_world.segment("vip")
    real_world.meets(*[f"p{n}" for n in range(PEOPLE)])
    everyone = [real_world.contact(f"p{n}").pk for n in range(PEOPLE)]
    add_members(segment, everyone[: PEOPLE // 2], actor=HOUSE)
    flow = real_world.drawn(("start", "contact_segment", {"segment": "vip"}), wait("1h"))

    def enter() -> None:
        for first in range(PEOPLE // 2, PEOPLE, 10):
            add_members(segment, everyone[first : first + 10], actor=HOUSE)

    together(
        enter,
        lambda: services.activate(flow, settings={"entry": "both"}, actor=HOUSE),
        until_done(lambda: intake.take(10) + audiences.take(10)),
    )
    real_world.settle()
    assert Enrollment.objects.count() == PEOPLE
    assert Entry.objects.filter(outcome="enrolled").values("contact").distinct().count() == PEOPLE


def test_no_step_commits_after_the_pause_did(real_world: World) -> None:
    flow = real_world.flow(STARTS, wait("1h"), WELCOME)
    sign_up(real_world)
    real_world.settle()
    real_world.turn_clock(NOON.replace(hour=14))
    steps_at_pause: list[int] = []

    def pause() -> None:
        services.pause(flow, actor=HOUSE)
        steps_at_pause.append(Step.objects.count())

    together(until_done(lambda: runner.run(5)), until_done(lambda: runner.run(5)), pause)
    assert Step.objects.count() == steps_at_pause[0]


def test_a_batch_waits_for_nobody_who_changes_a_flow(real_world: World) -> None:
    flow = real_world.flow(STARTS, wait("1h"), WELCOME)
    real_world.does("mara", "Signed Up")
    real_world.turn_clock(NOON.replace(hour=14))
    with transaction.atomic():
        locks.alone(flow.pk)
        (progress,) = together(lambda: runner.advance())
    assert progress == Progress()
    assert runner.advance().steps == 2


def test_f50_two_flows_that_update_one_contact_at_once_both_do(real_world: World) -> None:
    changes = {"changes": [{"attribute": "customProperties.points", "increment": 1}]}
    for _ in range(2):
        real_world.flow(STARTS, ("add", "update_contact", changes))
    sign_up(real_world, 40)
    together(*[until_done(lambda: intake.take(10) + runner.run(7))] * 2)
    assert {real_world.contact(f"p{n}").attributes["points"] for n in range(40)} == {2}


def test_ceilings_hold_when_batches_run_at_once(real_world: World) -> None:
    real_world.flow(STARTS, wait("1h"), ceilings={"total": 50})
    sign_up(real_world)
    together(*[until_done(lambda: intake.take(10))] * 3)
    assert Enrollment.objects.count() == 50


def test_i28_every_task_run_twice_at_once_leaves_the_same_as_once(real_world: World) -> None:
    real_world.flow(STARTS, WELCOME)
    sign_up(real_world, 30)
    together(*[lambda: crank.turn(10)] * 2)
    real_world.settle()
    assert (Enrollment.objects.count(), Message.objects.count(), Change.objects.count()) == (30, 30, 0)


CRASH = """
import os, django
django.setup()
from django.db import connection
from flows import crank
connection.cursor().execute("SELECT set_config('tributary.now', %s, false)", [os.environ["NOON"]])
crank.turn(20)
"""


@pytest.mark.chaos
@pytest.mark.parametrize("point", ["before_step_commit", "after_step_commit", "after_entry_commit"])
def test_f1_a_worker_killed_at_a_named_point_loses_and_doubles_nothing(real_world: World, point: str) -> None:
    real_world.flow(STARTS, WELCOME, wait("1h"))
    sign_up(real_world, 20)
    settings = connection.settings_dict
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**settings)
    environment = {**os.environ, "DATABASE_URL": url, "CRASH_AT": point, "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment["NOON"] = NOON.isoformat()
    killed = subprocess.run([sys.executable, "-c", CRASH], env=environment, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]
    crank.turn(20)
    assert (Enrollment.objects.count(), Message.objects.count(), Step.objects.count()) == (20, 20, 40)
    assert broken() == {}


def test_who_deletes_a_contact_while_it_moves_leaves_no_journey_behind(real_world: World) -> None:
    real_world.flow(STARTS, wait("1h"), WELCOME)
    sign_up(real_world, 20)
    real_world.settle()
    real_world.turn_clock(NOON.replace(hour=14))
    people = [real_world.contact(f"p{n}") for n in range(20)]
    together(
        until_done(lambda: runner.run(3)), lambda: [erase_contact(contact=one, actor=HOUSE) for one in people[:10]]
    )
    real_world.settle()
    assert not Enrollment.objects.filter(status="active").exists()
    assert Flow.objects.get().status == "running"


def test_who_goes_on_to_a_flow_that_is_just_being_changed_goes_a_moment_later_and_nobody_is_alarmed(
    real_world: World,
) -> None:
    other = real_world.flow(("start", "manual", {}), WELCOME)
    real_world.flow(STARTS, ("over", "start_flow", {"flow": other.slug}))
    real_world.did("mara", "Signed Up")
    intake.take(10)
    with transaction.atomic():
        locks.alone(other.pk)
        together(lambda: runner.advance())
    assert not Notice.objects.exists()
    real_world.later("2s")
    assert [status for status, _, _ in real_world.journeys("mara")] == ["completed", "completed"]
