"""Who is overdue or stuck, and why; and what staff do about it, for one and for many."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from flows import services, standstill, sweeping
from flows.models import Enrollment, Flow
from flows.standstill import Wanted
from tests.flows.conftest import STARTS, WELCOME, World, wait
from workspace import clock
from workspace.audit import HOUSE
from workspace.keys import make_key
from workspace.models import Audit, Job
from workspace.problems import Refused


def api(verb: str, path: str, body: Any = None) -> Any:
    key = {"Authorization": f"Bearer {make_key(name='k', scope='manage', actor=HOUSE)[1]}"}
    return getattr(Client(), verb)(f"/api/v1/{path}", body, content_type="application/json", headers=key)


def some(world: World, *people: str) -> Flow:
    """Let people sign up into a flow that waits a day before it greets them."""
    flow = world.flow(STARTS, wait("1d"), WELCOME)
    world.meets(*people)
    for who in people:
        world.did(who, "Signed Up")
    world.settle()
    return flow


def of(who: str) -> Enrollment:
    return Enrollment.objects.get(contact__user_id=who)


def put(who: str, **columns: Any) -> None:
    Enrollment.objects.filter(contact__user_id=who).update(**columns)


def stand_still(world: World) -> Flow:
    """Let each of six people stand still in a way of their own, and one go on well."""
    flow = some(world, "fay", "hal", "quinn", "bob", "rita", "olga", "well")
    put("fay", error="ValueError: no", due_at=None, status="failed", reason="failed at wait", ended_at=world.at)
    put("hal", due_at=None, parked="held: the provider said no")
    put("quinn", due_at=None, parked="quarantined: workers died here three times")
    put("bob", parked="blocked: There is no list “gone”.")
    put("rita", parked="tries again: OSError: down")
    world.turn_clock(world.at)
    return flow


@pytest.fixture
def mended(world: World) -> Iterator[None]:
    """Count those whose rows the story wrote by hand, so that the invariants of the world hold when it ends."""
    yield
    for one in Enrollment.objects.filter(status="failed"):
        count_the_failure(str(one.contact.user_id))


@pytest.mark.usefixtures("mended")
def test_everybody_who_stands_still_is_listed_in_their_own_way_with_the_reason(world: World) -> None:
    flow = stand_still(world)
    put("olga", due_at=world.at)
    world.turn_clock(world.at + timedelta(minutes=6))
    found = {one.contact.user_id: one for one in standstill.newest(Wanted("any"), clock.now(), 50)}
    said = {who: standstill.kind_of(one, clock.now()) for who, one in found.items()}
    assert said == {
        "fay": "failed", "hal": "held", "quinn": "quarantined", "bob": "blocked", "rita": "retrying", "olga": "overdue",
    }  # fmt: skip
    why = {who: standstill.why(one, clock.now()) for who, one in found.items()}
    assert why["fay"] == "ValueError: no"
    assert why["hal"] == "the provider said no"
    assert why["olga"] == "Due for 6 minutes, and no worker has taken it."
    assert standstill.counts(Wanted("any"), clock.now()) == dict.fromkeys(standstill.KINDS, 1)
    assert standstill.count(Wanted("any", minutes=10), clock.now()) == 5
    services.pause(flow, mode="hold_due", actor=HOUSE)
    assert standstill.count(Wanted("overdue"), clock.now()) == 0, "a paused flow keeps nobody waiting by mistake"
    put("olga", due_at=world.at)


def test_who_stands_still_is_found_by_an_index_of_their_own(world: World) -> None:
    some(world, "mara")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        sets = standstill.found(Wanted("held"), clock.now()) + standstill.found(Wanted("any"), clock.now())[:1]
        for one in sets:
            assert "enrollment_still" in one.order_by("-pk").values("pk").explain()


@pytest.mark.usefixtures("mended")
def test_retry_lets_each_of_them_go_on_where_they_stood(world: World) -> None:
    stand_still(world)
    count_the_failure("fay")
    tended = sweeping.sweep("retry", actor=HOUSE, wanted=Wanted("any")).tended
    assert tended is not None
    assert (tended.done, dict(tended.left)) == (5, {})
    world.settle()
    assert standstill.count(Wanted("any"), clock.now()) == 0
    assert {world.journeys(who)[0][0] for who in ("hal", "quinn", "bob", "rita", "fay")} <= {"active", "completed"}
    assert Audit.objects.filter(verb="enrollment.retried").count() == 5


def count_the_failure(who: str) -> None:
    one = of(who)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO flows_tally (flow_id, version_id, node, port, what, minute, count) VALUES"
            " (%s, %s, '', '', 'failed', now(), 1), (%s, %s, %s, 'failed', 'left', now(), 1)",
            [one.flow_id, one.version_id, one.flow_id, one.version_id, one.node],
        )


def test_who_is_set_aside_goes_on_when_staff_try_again(world: World) -> None:
    some(world, "mallory")
    put("mallory", due_at=None, parked="quarantined: workers died here three times")
    services.retry_enrollments([of("mallory").pk], actor=HOUSE)
    world.later("1d")
    assert world.mails("mallory") == [("queued", "Welcome")]


def test_a_failed_journey_is_retried_skipped_moved_or_taken_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = world.flow(STARTS, WELCOME, wait("1d"), ("last", "send_email", {**WELCOME[2], "subject": "Goodbye"}))
    people = ("retried", "skipped", "moved", "out")
    world.meets(*people)
    for who in people:
        world.did(who, "Signed Up")
    fail_all(world, monkeypatch)
    assert [world.journeys(who)[0][:2] for who in people] == [("failed", "mail")] * 4
    services.retry_enrollments([of("retried").pk], actor=HOUSE)
    services.skip_enrollments([of("skipped").pk], actor=HOUSE)
    services.move_enrollments([of("moved").pk], to="last", actor=HOUSE)
    services.exit_enrollments([of("out").pk], actor=HOUSE)
    world.settle()
    assert world.mails("retried") == [("queued", "Welcome")]
    assert (world.mails("skipped"), world.journeys("skipped")[0][1]) == ([], "wait")
    assert world.mails("moved") == [("queued", "Goodbye")]
    assert world.journeys("out") == [("exited", "mail", "taken out by hand")]
    assert flow.enrollments.filter(status="failed").count() == 0


def fail_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the mail fail for everybody until it is given up."""
    with monkeypatch.context() as broken:

        def queue(drafts: Any) -> int:
            raise OSError("the queue is away")

        broken.setattr("flows.speaking.queue", queue)
        world.settle()
        for gap in ("5m", "30m", "3h", "20h"):
            world.later(gap)


def test_moving_goes_to_steps_of_the_version_alone_and_leaves_a_step_in_the_replay(world: World) -> None:
    some(world, "mara")
    mara = of("mara").pk
    for nowhere in ("start", "nothing"):
        with pytest.raises(Refused, match="has no step"):
            services.move_enrollments([mara], to=nowhere, actor=HOUSE)
    services.move_enrollments([mara], to="mail", actor=HOUSE)
    world.settle()
    assert world.path("mara") == ["start", "wait", "mail"]
    assert list(of("mara").steps.order_by("visit").values_list("port", flat=True)) == ["next", "moved", "next"]
    with pytest.raises(Refused, match="has ended"):
        services.move_enrollments([mara], to="wait", actor=HOUSE)


def test_who_is_moved_while_the_clock_is_held_goes_on_at_once_when_the_pause_ends(world: World) -> None:
    flow = some(world, "mara")
    services.pause(flow, mode="hold_clock", actor=HOUSE)
    world.later("3h")
    services.move_enrollments([of("mara").pk], to="mail", actor=HOUSE)
    world.later("3h")
    assert world.mails("mara") == []
    flow.refresh_from_db()
    services.resume(flow, actor=HOUSE)
    world.settle()
    assert world.mails("mara") == [("queued", "Welcome")]


def test_nobody_is_put_back_into_a_flow_that_has_ended_or_when_they_are_erased(world: World) -> None:
    flow = some(world, "ben")
    put("ben", status="failed", due_at=None, ended_at=world.at, reason="failed at wait")
    count_the_failure("ben")
    services.drain(flow, actor=HOUSE)
    world.settle()
    for verb in (services.retry_enrollments, services.skip_enrollments):
        with pytest.raises(Refused, match="does not run any more"):
            verb([of("ben").pk], actor=HOUSE)
    services.exit_enrollments([of("ben").pk], actor=HOUSE)
    assert world.journeys("ben")[0][0] == "exited"


def test_many_are_done_in_a_handful_of_statements(world: World) -> None:
    people = [f"c{n}" for n in range(40)]
    some(world, *people)
    ids = list(Enrollment.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as few:
        sweeping.sweep("skip", actor=HOUSE, ids=ids[:4])
    with CaptureQueriesContext(connection) as many:
        sweeping.sweep("skip", actor=HOUSE, ids=ids[4:])
    assert len(many) <= len(few) + 2
    world.settle()
    assert all(world.mails(who) for who in people)


def test_more_than_a_thousand_are_a_job_with_progress_that_can_be_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.sweeping.AT_ONCE", 3)
    people = [f"c{n}" for n in range(8)]
    flow = some(world, *people)
    swept = sweeping.sweep("exit", actor=HOUSE, wanted=Wanted(flow=flow.pk))
    assert swept.job is not None
    assert (swept.job.total, swept.job.status) == (8, "waiting")
    assert sweeping.take(3) == 3
    job = Job.objects.get(pk=swept.job.pk)
    assert (job.done, job.result) == (3, {"done": 3, "left_out": []})
    sweeping.cancel(job, actor=HOUSE)
    assert sweeping.take(3) == 0
    assert Enrollment.objects.filter(status="exited").count() == 3
    again = sweeping.sweep("exit", actor=HOUSE, ids=list(Enrollment.objects.values_list("pk", flat=True))).job
    assert again is not None
    world.settle()
    again.refresh_from_db()
    said = [{"reason": "This journey has ended already.", "count": 3}]
    assert (again.status, again.done, again.result) == ("done", 8, {"done": 5, "left_out": said})
    with pytest.raises(Refused, match="ended already"):
        sweeping.cancel(again, actor=HOUSE)


def test_the_api_lists_moves_and_sweeps(world: World) -> None:
    flow = some(world, "mara", "ben", "zoe")
    put("mara", due_at=None, parked="held: the provider said no")
    listed = api("get", f"enrollments/stuck/?flow={flow.slug}").json()["results"]
    assert [(one["stuck"], one["why"], one["user_id"]) for one in listed] == [("held", "the provider said no", "mara")]
    assert api("get", "enrollments/stuck/?stuck=sideways").status_code == 400
    assert api("get", "enrollments/stuck/?minutes=x").status_code == 400
    assert [one["user_id"] for one in api("get", f"flows/{flow.slug}/enrollments/?q=ben").json()["results"]] == ["ben"]
    moved = api("post", f"enrollments/{of('ben').ref}/move/", {"to": "mail"}).json()
    assert (moved["node"], moved["status"]) == ("mail", "active")
    swept = api("post", "enrollments/at-once/", {"verb": "exit", "flow": flow.slug, "q": "zoe"})
    assert swept.json() == {"done": 1, "left_out": []}
    named = api(
        "post", "enrollments/at-once/", {"verb": "retry", "enrollments": [of("mara").ref, of("zoe").ref]}
    ).json()
    assert named["done"] == 1
    assert named["left_out"][0]["reason"].startswith("There is nothing to try again")


@pytest.mark.parametrize(
    "body",
    [
        {"verb": "explode", "stuck": "any"},
        {"verb": "move", "stuck": "any"},
        {"verb": "retry", "stuck": "any", "to": "mail"},
        {"verb": "retry"},
        {"verb": "retry", "stuck": "any", "enrollments": ["enr_1"]},
        {"verb": "retry", "enrollments": ["seven"]},
        {"verb": "retry", "stuck": "nowhere"},
        {"verb": "retry", "flow": "a\u0000"},
        {"verb": "exit", "status": "asleep", "stuck": "any"},
    ],
)
def test_the_api_refuses_what_cannot_be_meant(db: None, body: Any) -> None:
    assert api("post", "enrollments/at-once/", body).status_code in (400, 404)


def test_a_job_of_many_is_read_and_stopped_by_api(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.sweeping.AT_ONCE", 1)
    some(world, "mara", "ben")
    body = {"verb": "retry", "enrollments": [of("mara").ref, of("ben").ref]}
    answer = api("post", "enrollments/at-once/", body)
    assert answer.status_code == 202
    job = answer.json()["job"]["id"]
    assert api("get", f"enrollments/at-once/{job}/").json()["total"] == 2
    assert api("post", f"enrollments/at-once/{job}/cancel/").json()["status"] == "cancelled"
    assert api("post", f"enrollments/at-once/{job}/cancel/").status_code == 409
    assert api("get", "enrollments/at-once/job_999999/").status_code == 404


def test_the_page_says_who_stands_still_and_does_one_verb_to_those_chosen(world: World, admin_client: Client) -> None:
    flow = some(world, "mara", "ben")
    put("mara", due_at=None, parked="held: the provider said no")
    page = admin_client.get(reverse("flows_stuck")).content.decode()
    assert "the provider said no" in page
    assert "Ben" not in page
    done = admin_client.post(
        reverse("flows_stuck") + f"?flow={flow.slug}",
        {"do": "move", "to": "mail", "chosen": [of("mara").pk]},
        follow=True,
    )
    assert "1 journey moved." in done.content.decode()
    assert of("mara").node == "mail"
    nobody = admin_client.post(reverse("flows_stuck"), {"do": "retry"}, follow=True)
    assert "Nobody was chosen." in nobody.content.decode()
    assert admin_client.get(reverse("flows_stuck") + "?stuck=odd", follow=True).status_code == 200


def test_the_page_of_people_searches_and_takes_out_those_chosen(world: World, admin_client: Client) -> None:
    flow = some(world, "mara", "ben")
    address = reverse("flow_people", args=[flow.pk])
    page = admin_client.get(address + "?q=mar").content.decode()
    assert "Mara" in page
    assert "Ben" not in page
    admin_client.post(address, {"do": "exit", "chosen": [of("mara").pk, of("ben").pk]})
    assert {one[0] for who in ("mara", "ben") for one in world.journeys(who)} == {"exited"}


def test_who_may_not_run_flows_moves_nobody(world: World, client: Client) -> None:
    some(world, "mara")
    client.force_login(User.objects.create_user("vic"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(reverse("flows_stuck"), {"do": "exit", "chosen": [of("mara").pk]}).status_code == 403
    assert world.journeys("mara")[0][0] == "active"


def test_the_back_office_chooses_by_standing_still_and_moves(world: World, admin_client: Client) -> None:
    some(world, "mara", "ben")
    put("mara", due_at=None, parked="held: the provider said no")
    address = reverse("admin:flows_enrollment_changelist")
    listed = admin_client.get(address + "?stuck=any").content.decode()
    assert (of("mara").ref.removeprefix("enr_") in listed, f"/enrollment/{of('ben').pk}/" in listed) == (True, False)
    admin_client.post(address, {"action": "move", "to": "mail", "_selected_action": [of("mara").pk]})
    assert of("mara").node == "mail"
