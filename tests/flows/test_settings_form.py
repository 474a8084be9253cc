"""The activation settings a person fills in are what the flow runs by, and come back as they were filled in."""

import json
from typing import Any

import pytest
from django.http import QueryDict

from flows import activation, settings_form
from flows.models import Flow
from tests.flows.conftest import STARTS, WELCOME, World
from workspace.models import Workspace
from workspace.problems import Refused

FULL: dict[str, Any] = {
    "entry": "both",
    "reentry": {"allowed": True, "after": "3d"},
    "exit_when": {"type": "EVENT", "eventName": "Order Completed"},
    "goal": {"type": "EVENT", "eventName": "Subscribed"},
    "late": "send_if_under:2h",
    "ceilings": {"total": 1000, "daily": 50, "then": "pause"},
    "max_event_age": "2d",
    "zone": "flow",
    "timezone": "Europe/Lisbon",
    "quiet_hours": {"from": "22:00", "to": "07:30", "then": "skip"},
    "cap_class": "exempt",
    "starts_at": "2026-04-01T07:00:00Z",
    "ends_at": "2026-05-01T07:00:00Z",
    "conversion": {"event": "Order Completed", "within": "14d", "value": "revenue"},
}


def as_sent(values: dict[str, Any]) -> QueryDict:
    """Return what a browser would send of the dialog as it is shown."""
    sent = QueryDict(mutable=True)
    for name, value in values.items():
        if name == "after":
            sent["after.count"], sent["after.unit"] = value.get("count", ""), value.get("unit", "d")
        elif name in settings_form.CRITERIA:
            sent[name] = json.dumps(value) if value else ""
        elif value is True:
            sent[name] = "1"
        elif value is not False:
            sent[name] = str(value)
    return sent


@pytest.mark.parametrize("settings", [{}, FULL, {"ignore_quiet_hours": True, "late": "hold"}, {"max_event_age": ""}])
def test_what_the_dialog_shows_comes_back_as_it_was(world: World, settings: dict[str, Any]) -> None:
    Workspace.objects.update(timezone="Europe/Berlin")
    flow = Flow(settings=settings)
    again = settings_form.read(flow, as_sent(settings_form.stored(flow)))
    assert activation.read(again) == activation.read(settings)


def test_a_date_is_read_on_the_clock_of_the_workspace(world: World) -> None:
    Workspace.objects.update(timezone="America/New_York")
    sent = as_sent({**settings_form.stored(Flow(settings={})), "starts_at": "2026-07-01T09:00"})
    assert settings_form.read(Flow(settings={}), sent)["starts_at"] == "2026-07-01T09:00:00-04:00"


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ({"ceiling_daily": "many"}, "ceilings.daily"),
        ({"ceiling_total": "-3"}, "ceilings.total"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"late": "under", "late_count": ""}, "late"),
        ({"conversion_event": "Bought", "conversion_count": ""}, "conversion.within"),
        ({"reentry": "1", "after": {}}, "reentry.after"),
    ],
)
def test_what_cannot_be_read_is_named(world: World, typed: dict[str, Any], path: str) -> None:
    flow = Flow(settings={})
    with pytest.raises(Refused) as refused:
        settings_form.read(flow, as_sent({**settings_form.stored(flow), **typed}))
    assert [one.path for one in refused.value.faults] == [path]


def test_a_dialog_that_sends_less_leaves_the_rest_as_it_was(world: World) -> None:
    flow = world.flow(STARTS, WELCOME, **{**FULL, "entry": "new"})
    assert settings_form.read(flow, QueryDict("entry=new"))["ceilings"] == FULL["ceilings"]
