"""Points where not everybody goes on at once: rate limits in fair order, and a person who lets through."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from flows import approving, runner, services
from flows.models import Enrollment, Step
from flows.rule_models import Turn
from tests.conftest import staff
from tests.flows.conftest import STARTS, WELCOME, World, wait
from tests.flows.test_together import together, until_done
from workspace.audit import HOUSE, Actor
from workspace.problems import Refused


def limit(count: int, interval: str) -> tuple[str, str, dict[str, Any]]:
    return "limit", "rate_limit", {"count": count, "interval": interval}


def passed(world: World) -> list[str]:
    """Return who passed the limit, in the order in which they did."""
    rows = Step.objects.filter(node="limit").order_by("at", "enrollment")
    return list(rows.values_list("contact__user_id", flat=True))


PEOPLE = ["ada", "ben", "cleo", "dan", "eve", "fay", "gus"]


def test_two_an_hour_and_whoever_came_first_goes_first(world: World) -> None:
    world.flow(STARTS, limit(2, "1h"), WELCOME)
    for who in PEOPLE:
        world.does(who, "Signed Up")
        world.later("1m")
    assert passed(world) == ["ada", "ben"]
    for expected in (4, 6, 7):
        world.later("1h")
        world.settle()
        assert passed(world) == PEOPLE[:expected]


def test_no_hour_however_it_is_laid_sees_more_pass(world: World) -> None:
    world.flow(STARTS, limit(3, "1h"), WELCOME)
    for number in range(20):
        world.did(f"c{number}", "Signed Up")
        world.later("7m")
    for _ in range(100):
        world.later("7m")
    times = sorted(Step.objects.filter(node="limit").values_list("at", flat=True))
    assert len(times) == 20
    assert all(late - early >= timedelta(hours=1) for early, late in zip(times, times[3:], strict=False))


def test_who_comes_later_never_passes_who_waits(world: World) -> None:
    world.flow(STARTS, limit(1, "1h"), WELCOME)
    for who in ("ada", "ben"):
        world.does(who, "Signed Up")
    world.turn_clock(world.at + timedelta(hours=1))  # a place is free, and nobody has looked yet
    world.did("cleo", "Signed Up")
    world.settle()
    assert passed(world) == ["ada", "ben"]


def test_who_leaves_the_queue_keeps_nobody_waiting(world: World) -> None:
    world.flow(STARTS, limit(1, "1h"), WELCOME)
    for who in ("ada", "ben", "cleo"):
        world.does(who, "Signed Up")
    ben = Enrollment.objects.get(contact__user_id="ben")
    services.exit_enrollments([ben.pk], actor=HOUSE)
    world.later("1h")
    world.does("dan", "Signed Up")
    world.later("1m")
    assert passed(world) == ["ada", "cleo"]


def test_after_an_outage_the_backlog_does_not_burst_through(world: World) -> None:
    world.flow(STARTS, limit(2, "1h"), WELCOME)
    for who in PEOPLE:
        world.did(who, "Signed Up")
    world.settle()
    world.turn_clock(world.at + timedelta(days=1))  # all have their time, and nobody worked
    world.settle()
    assert passed(world) == PEOPLE[:4]


def run_at(world: World, at: datetime) -> int:
    world.turn_clock(at)
    return runner.run(4)


def test_several_workers_let_exactly_as_many_through(real_world: World) -> None:
    world = real_world
    world.flow(STARTS, wait("1h"), limit(5, "1h"), WELCOME)
    for number in range(24):
        world.did(f"c{number:02}", "Signed Up")
    world.settle()
    for expected in (5, 10, 15):
        world.turn_clock(world.at + timedelta(hours=1))
        together(*[until_done(partial(run_at, world, world.at))] * 3)
        assert len(passed(world)) == expected
    assert passed(world) == [f"c{number:02}" for number in range(15)]


def test_the_limit_holds_for_all_versions_together(world: World) -> None:
    flow = world.flow(STARTS, limit(2, "1h"), WELCOME)
    world.does("ada", "Signed Up")
    services.drafts.change_node(flow, "mail", settings={"subject": "Hi", "body": "<p>Hi</p>", "transactional": True})
    services.publish_flow(flow, actor=HOUSE)
    for who in ("ben", "cleo"):
        world.does(who, "Signed Up")
    assert passed(world) == ["ada", "ben"]
    assert Turn.objects.filter(passed_at=None).count() == 1


# A person -------------------------------------------------------------------------------------------------------------

ASK = ("ask", "approval", {"question": "Is Mara to get the big discount?"})
NO = ("no", "exit", {"reason": "refused"})
EDGES = "start:next>ask ask:next>mail ask:refused>no"


@pytest.fixture
def asked(world: World) -> World:
    world.flow(STARTS, ASK, WELCOME, NO, edges=EDGES)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    return world


def ids(*who: str) -> list[int]:
    return list(Enrollment.objects.filter(contact__user_id__in=who).values_list("pk", flat=True))


def test_ada_approves_mara_and_refuses_ben_and_the_steps_say_who_and_when(asked: World) -> None:
    ada = staff("Senders")
    assert asked.journeys("mara") == [("active", "ask", "")]
    assert Enrollment.objects.filter(parked="waits for approval", due_at=None).count() == 2
    approving.decide(ids("mara"), approved=True, note="a good customer", actor=Actor.of(user=ada))
    approving.decide(ids("ben"), approved=False, actor=Actor.of(user=ada))
    asked.settle()
    assert asked.mails("mara") == [("queued", "Welcome")]
    assert asked.journeys("ben") == [("exited", "no", "refused")]
    saw = Step.objects.get(node="ask", contact__user_id="mara").saw
    assert (saw["approved"], saw["by"], saw["note"]) == (True, ada.get_username(), "a good customer")
    assert saw["at"].startswith("2026-03-02T12:00")


def test_nobody_decides_twice_and_only_where_somebody_is_asked(asked: World) -> None:
    approving.decide(ids("mara"), approved=True, actor=HOUSE)
    asked.settle()
    with pytest.raises(Refused, match="waits for approval"):
        approving.decide(ids("mara"), approved=False, actor=HOUSE)
    assert asked.journeys("mara")[0][0] == "completed"


def test_time_alone_never_approves(asked: World) -> None:
    asked.later("1y")
    assert asked.journeys("mara") == [("active", "ask", "")]
    assert Counter(Enrollment.objects.values_list("parked", flat=True)) == {"waits for approval": 2}


def test_f28_who_is_approved_in_a_pause_goes_on_when_it_ends(asked: World) -> None:
    flow = Enrollment.objects.filter(contact__user_id="mara").get().flow
    services.pause(flow, actor=HOUSE)
    asked.later("1h")
    approving.decide(ids("mara"), approved=True, actor=HOUSE)
    asked.settle()
    assert asked.mails("mara") == []
    services.resume(flow, actor=HOUSE)
    asked.settle()
    assert asked.mails("mara") == [("queued", "Welcome")]
