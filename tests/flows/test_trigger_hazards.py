"""Triggers of time and of whole audiences while workers die, run twice, and people are merged and erased meanwhile."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from contacts.ingest import take
from contacts.models import Attribute, Change
from contacts.services import erase_contact
from flows import audiences, clocked, crank, services
from flows.models import Enrollment, Entry
from flows.trigger_models import Mark
from tests.flows.conftest import SHOP, WELCOME, World, broken, property_is, wait
from tests.flows.test_together import together, until_done
from workspace.audit import HOUSE
from workspace.models import Job

DUE = datetime(2026, 3, 5, 9, 1, tzinfo=UTC)
RENEWS = ("start", "date_attribute", {"attribute": "customProperties.renews", "time": "09:00"})
MONDAYS = (
    "start",
    "schedule",
    {"starts": "2026-03-05T09:00", "repeat": "FREQ=WEEKLY", "audience": {"type": "EVERYONE"}},
)
CRASH = """
import os, django
django.setup()
from django.db import connection
from flows import crank
connection.cursor().execute("SELECT set_config('tributary.now', %s, false)", [os.environ["NOON"]])
crank.MANY = crank.FEW = 7
crank.turn(20)
"""


def renewing(world: World, count: int) -> list[str]:
    Attribute.objects.update_or_create(name="renews", defaults={"type": "date", "declared": True})
    people = [f"p{n}" for n in range(count)]
    world.meets(*people, renews="2026-03-05", timezone="UTC")
    world.settle()
    return people


def crash(world: World, point: str) -> None:
    """Let a worker of its own turn the crank and be killed at a named point."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    environment = {**os.environ, "DATABASE_URL": url, "CRASH_AT": point, "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment["NOON"] = world.at.isoformat()
    killed = subprocess.run([sys.executable, "-c", CRASH], env=environment, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]


@pytest.mark.chaos
@pytest.mark.parametrize("trigger", [RENEWS, MONDAYS], ids=["date", "schedule"])
@pytest.mark.parametrize("point", ["before_entry_commit", "after_entry_commit"])
def test_f1_a_worker_killed_between_the_pass_and_its_commit_loses_and_doubles_nobody(
    real_world: World, point: str, trigger: Any
) -> None:
    renewing(real_world, 20)
    real_world.flow(trigger, wait("1h"))
    real_world.turn_clock(DUE)
    crash(real_world, point)
    real_world.settle()
    assert (Entry.objects.count(), Enrollment.objects.filter(status="active").count()) == (20, 20)
    assert broken() == {}


def test_i28_two_passes_at_once_take_everybody_in_once(real_world: World) -> None:
    renewing(real_world, 60)
    real_world.flow(RENEWS, wait("1h"))
    real_world.turn_clock(DUE)
    together(*[until_done(lambda: clocked.pass_time(9))] * 3)
    assert (Entry.objects.count(), Enrollment.objects.count()) == (60, 60)
    assert Mark.objects.get().at == DUE


def test_i28_a_schedules_date_makes_one_job_whoever_passes_and_each_contact_enters_once(real_world: World) -> None:
    renewing(real_world, 60)
    real_world.flow(MONDAYS, wait("1h"))
    real_world.turn_clock(DUE)
    together(*[until_done(lambda: clocked.pass_time() + audiences.take(7))] * 3)
    assert list(Job.objects.values_list("status", "done")) == [("done", 60)]
    assert (Entry.objects.count(), Enrollment.objects.count()) == (60, 60)


def test_a_pass_and_the_change_of_the_date_at_once_let_nobody_in_twice(real_world: World) -> None:
    people = renewing(real_world, 40)
    real_world.flow(RENEWS, wait("1h"))
    real_world.turn_clock(DUE)

    def move() -> None:
        item = {"type": "identify", "traits": {"renews": "2026-04-05", "timezone": "Asia/Tokyo"}}
        for who in people[:20]:
            assert take([{**item, "userId": who}], source=SHOP, received_at=DUE) == [None]

    together(until_done(lambda: clocked.pass_time(5)), move, until_done(lambda: crank.turn_once()[0]))
    real_world.settle()
    assert Enrollment.objects.filter(contact__user_id__in=people[20:]).count() == 20
    assert Entry.objects.count() <= 40
    assert Change.objects.count() == 0


def test_who_is_erased_or_merged_while_the_clock_passes_starts_no_journey_that_stays(real_world: World) -> None:
    people = renewing(real_world, 20)
    take(
        [{"type": "identify", "anonymousId": "visitor", "traits": {"renews": "2026-03-05", "timezone": "UTC"}}],
        source=SHOP,
        received_at=real_world.at,
    )
    real_world.settle()
    real_world.flow(RENEWS, wait("1h"))
    real_world.turn_clock(DUE)
    gone = [real_world.contact(who) for who in people[:5]]

    def merge() -> None:
        both = {"type": "identify", "anonymousId": "visitor", "userId": people[7]}
        assert take([both], source=SHOP, received_at=DUE) == [None]

    together(
        until_done(lambda: clocked.pass_time(3)),
        lambda: [erase_contact(contact=one, actor=HOUSE) for one in gone],
        merge,
    )
    real_world.settle()
    active = Enrollment.objects.filter(status="active")
    assert active.count() == 15
    assert set(active.values_list("contact__user_id", flat=True)) == set(people[5:])


def test_rule_19_who_was_merged_while_the_delay_ran_is_asked_as_the_winner(real_world: World) -> None:
    real_world.segment("idle", property_is("customProperties.idle", True))
    real_world.flow(("start", "contact_segment", {"segment": "idle", "or_still_in_after": "2d"}), WELCOME)
    real_world.meets("mara")
    visitor = {"type": "identify", "anonymousId": "visitor", "traits": {"idle": True, "email": "v@example.com"}}
    take([visitor], source=SHOP, received_at=real_world.at)
    real_world.settle()
    assert Enrollment.objects.count() == 1
    take([{"type": "identify", "anonymousId": "visitor", "userId": "mara"}], source=SHOP, received_at=real_world.at)
    real_world.settle()
    before = Enrollment.objects.filter(contact__user_id="mara").count()
    real_world.later("2d")
    assert Enrollment.objects.filter(contact__user_id="mara").count() == before + 1


def test_rule_21_an_import_sets_dates_and_attributes_and_fires_nothing_by_itself(real_world: World) -> None:
    Attribute.objects.update_or_create(name="renews", defaults={"type": "date", "declared": True})
    real_world.turn_clock(datetime(2026, 3, 5, 8, tzinfo=UTC))
    real_world.flow(RENEWS, wait("1h"))
    real_world.flow(("start", "attribute_changed", {"attribute": "customProperties.plan"}), wait("1h"))
    real_world.turn_clock(datetime(2026, 3, 5, 12, tzinfo=UTC))
    real_world.settle()

    def imported(who: str, renews: str) -> None:
        traits = {"renews": renews, "plan": "pro", "timezone": "UTC"}
        take(
            [{"type": "identify", "userId": who, "traits": traits}], source=SHOP, received_at=real_world.at, fires=False
        )
        real_world.settle()

    imported("mara", "2026-03-05")
    imported("ben", "2026-03-06")
    assert (real_world.refusals("mara"), real_world.refusals("ben")) == (["silent", "silent"], ["silent"])
    real_world.turn_clock(datetime(2026, 3, 6, 9, 1, tzinfo=UTC))
    real_world.settle()
    assert (real_world.journeys("mara"), len(real_world.journeys("ben"))) == ([], 1)  # the clock, not the import


def test_pausing_and_draining_while_an_audience_is_taken_in_stops_it(real_world: World) -> None:
    renewing(real_world, 30)
    flow = real_world.flow(("start", "manual", {}), wait("1h"))
    real_world.segment("all", {"type": "EVERYONE"})
    services.enrol_segment(flow, segment="all", actor=HOUSE)
    audiences.take(10)
    services.pause(flow, actor=HOUSE)
    assert audiences.take(10) == 0
    services.resume(flow, actor=HOUSE)
    audiences.take(10)
    services.drain(flow, actor=HOUSE)
    assert audiences.take(10) == 0
    assert (Entry.objects.count(), Job.objects.get().status) == (20, "cancelled")
