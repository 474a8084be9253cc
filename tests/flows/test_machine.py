"""Whatever people, staff, clocks and workers do in whatever order: who entered is in or has left, and nothing is done twice."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.flows.conftest import NOON
from tests.flows.machine import Shop
from tests.keeping import size_of
from workspace import clock

EVERY_ILL = list(HealthCheck)


@pytest.mark.timeout(20_000)
@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_all_invariants_hold(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8 shops of 25 steps, always the same; 500 of 50, others each night, with `--nightly`."""
    monkeypatch.setenv("MESSAGING_NULL_PROVIDER", "1")
    nightly = pytestconfig.getoption("--nightly")
    told = settings(
        max_examples=size_of(pytestconfig, "TRIBUTARY_MACHINE_EXAMPLES", 8, nightly=500),
        stateful_step_count=size_of(pytestconfig, "TRIBUTARY_MACHINE_STEPS", 25, nightly=50),
        derandomize=not nightly,
        database=None,
        deadline=None,
        suppress_health_check=EVERY_ILL,
        phases=[Phase.generate, Phase.shrink] if nightly else [Phase.generate],
        print_blob=True,
    )
    with clock.at(NOON):
        run_state_machine_as_test(Shop, settings=told)
