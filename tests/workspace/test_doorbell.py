"""What the doorbell spares, and what it never swallows."""

import pytest

from workspace import doorbell


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A broker that only remembers what it was asked to send."""
    sent: list[str] = []

    class Broker:
        def set(self, *args: object, **named: object) -> bool:
            return True

    monkeypatch.setattr(doorbell, "_redis", Broker)
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)
    monkeypatch.setattr(doorbell.current_app, "send_task", lambda name, **more: sent.append(name))
    return sent


def test_who_looks_until_nothing_is_left_wakes_nobody_else_for_it(rung: list[str]) -> None:
    with doorbell.looking("attend"):
        doorbell.ring("attend")
        doorbell.ring("deliver")
    assert rung == ["messaging.tasks.deliver"]


def test_after_the_look_a_ring_goes_through_again_also_when_it_ended_by_an_error(rung: list[str]) -> None:
    with pytest.raises(RuntimeError), doorbell.looking("attend"):
        raise RuntimeError("the database went away")
    doorbell.ring("attend")
    assert rung == ["flows.tasks.attend"]
