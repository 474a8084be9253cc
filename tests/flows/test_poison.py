"""Contacts over which workers die: the worker is killed for real, and the contact is set aside after the third time."""

import os
from typing import Any

import pytest
from django.db import connection

from flows import intake, nodes, plans, poison, runner, services
from flows.models import Enrollment
from flows.nodes.rules import Wait
from flows.rule_models import InHand, Suspect
from tests.flows.conftest import STARTS, WELCOME, World, wait
from workspace.audit import HOUSE
from workspace.models import Audit


def a_worker(world: World) -> int:
    """Run one batch in a process of its own, and return how it ended."""
    child = os.fork()
    if child == 0:
        kept = connection.connection  # noqa: F841 - closed by its owner, the parent
        connection.connection = None
        try:
            world.turn_clock(world.at)
            runner.run()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die whenever it decides about Mallory."""
    decide = Wait.decide

    def dies(settings: Any, scene: Any) -> Any:
        if scene.context.get("trigger", {}).get("event", {}).get("deadly"):
            os._exit(9)
        return decide(settings, scene)

    monkeypatch.setattr(Wait, "decide", staticmethod(dies))


@pytest.mark.usefixtures("deadly")
def test_f51_after_three_deaths_over_mallory_she_is_set_aside_and_the_others_go_on(real_world: World) -> None:
    world = real_world
    world.flow(STARTS, wait("1h"), WELCOME)
    for number in range(40):
        world.did(f"c{number}", "Signed Up")
    world.did("mallory", "Signed Up", deadly=True)
    let_in(world)
    deaths = [a_worker(world) for _ in range(24)]
    assert deaths.count(9) == poison.CRASHES
    poison.settle(world.at)
    mallory = Enrollment.objects.get(contact__user_id="mallory")
    assert (mallory.due_at, mallory.parked) == (None, poison.QUARANTINED)
    assert Enrollment.objects.filter(node="wait", waiting=True).exclude(pk=mallory.pk).count() == 40
    assert Audit.objects.get(verb="enrollment.quarantined").subject == mallory.ref
    assert (InHand.objects.count(), Suspect.objects.count()) == (0, 0)
    services.exit_enrollments([mallory.pk], actor=HOUSE)


def let_in(world: World) -> None:
    """Let everybody enter; nobody has moved yet."""
    while intake.take():
        pass


def test_a_batch_that_ends_well_or_with_an_error_leaves_nothing_in_hand(world: World) -> None:
    world.flow(STARTS, wait("1h"), WELCOME)
    world.does("mara", "Signed Up")
    assert InHand.objects.count() == 0
    with pytest.raises(ValueError, match="no"), poison.in_hand([1, 2]):
        raise ValueError("no")
    assert InHand.objects.count() == 0


def test_f52_a_step_of_a_kind_that_this_worker_does_not_know_is_left_to_one_that_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.flow(STARTS, wait("1h"), WELCOME)
    world.did("mara", "Signed Up")
    with monkeypatch.context() as older:
        older.delitem(nodes.KINDS, "wait")
        plans._cache.clear()
        world.settle()
        mara = Enrollment.objects.get()
        assert (mara.status, mara.attempts, mara.node) == ("active", 0, "wait")
        assert mara.parked.startswith("waits for a worker that knows its step")
    plans._cache.clear()
    world.later("15s")
    assert Enrollment.objects.values_list("waiting", "parked").get() == (True, "")
    world.later("1h")
    assert len(world.mails("mara")) == 1
