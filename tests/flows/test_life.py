"""The life of a flow: publish, pause, resume, drain, archive, delete; rules 28 to 32."""

from datetime import timedelta
from typing import Any

import pytest

from flows import publishing, services
from flows.models import Enrollment, Flow, Version
from flows.rule_models import Trial
from messaging.models import Message, Stream
from messaging.services import publish_template
from tests.flows.conftest import STARTS, WELCOME, World, property_is, wait
from workspace.audit import HOUSE
from workspace.durations import Duration
from workspace.problems import Refused


def act(verb: Any, flow: Flow, **rest: Any) -> None:
    verb(flow, actor=HOUSE, **rest)


def test_rule_30_a_held_clock_resumes_where_it_stood(world: World) -> None:
    flow = world.flow(STARTS, wait("10h"), WELCOME)
    world.does("mara", "Signed Up")
    world.later("4h")
    act(services.pause, flow)
    world.later("3d")
    assert world.mails("mara") == []
    act(services.resume, flow)
    world.later("5h")
    assert world.mails("mara") == []
    world.later("1h")
    assert len(world.mails("mara")) == 1


def test_rule_30_waits_may_run_on_while_what_falls_due_is_held(world: World) -> None:
    flow = world.flow(STARTS, wait("10h"), WELCOME)
    world.does("mara", "Signed Up")
    due = Enrollment.objects.get().due_at
    act(services.pause, flow, mode="hold_due")
    world.later("11h")
    assert world.mails("mara") == []
    act(services.resume, flow)
    world.settle()
    assert Message.objects.get().planned_at == due  # rule 28: how late it is counts from when it was meant to go


def test_rule_30_nobody_enters_while_paused_and_resuming_takes_them_in_or_leaves_them_out(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME)
    for take_in, who in ((False, "mara"), (True, "ben")):
        act(services.pause, flow)
        world.does(who, "Signed Up", plan="pro")
        assert world.refusals(who) == ["paused"]
        assert services.qualified_meanwhile(flow) == 1
        act(services.resume, flow, take_in=take_in)
        world.settle()
        world.later("2h")
    assert (world.journeys("mara"), len(world.journeys("ben"))) == ([], 1)
    assert Enrollment.objects.get().context["trigger"]["event"]["plan"] == "pro"


def test_rule_30_exits_are_noticed_while_paused(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME, exit_when={"type": "EVENT", "eventName": "Order Completed"})
    world.does("mara", "Signed Up")
    act(services.pause, flow)
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("exited", "wait", "exit condition")]


def test_rule_30_settings_changed_on_resuming_hold_for_those_inside(world: World) -> None:
    flow = world.flow(STARTS, wait("1d"), WELCOME)
    world.does("mara", "Signed Up")
    act(services.pause, flow)
    act(services.resume, flow, settings={"exit_when": {"type": "EVENT", "eventName": "Order Completed"}})
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("exited", "wait", "exit condition")]
    assert Version.objects.filter(flow=flow).count() == 2


def test_pausing_holds_the_messages_that_wait_and_resuming_lets_them_go(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    act(services.pause, flow)
    assert Stream.objects.get(slug=flow.slug).state == "held"
    act(services.resume, flow)
    assert Stream.objects.get(slug=flow.slug).state == "open"


def test_rule_31_a_draining_flow_takes_nobody_in_and_ends_with_the_last_one(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME)
    world.does("mara", "Signed Up")
    act(services.drain, flow)
    world.does("ben", "Signed Up")
    assert world.journeys("ben") == []
    flow.refresh_from_db()
    assert flow.status == "draining"
    world.later("1h")
    flow.refresh_from_db()
    assert (flow.status, len(world.mails("mara"))) == ("ended", 1)


def test_an_ended_flow_can_be_activated_again(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    act(services.drain, flow)
    world.settle()
    flow.refresh_from_db()
    act(services.activate, flow)
    world.does("mara", "Signed Up")
    assert len(world.mails("mara")) == 1


def test_rule_29_a_published_version_never_changes(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    first = flow.version
    assert first is not None
    services.drafts.change_node(flow, "mail", settings={"subject": "Other", "body": "<p>x</p>"})
    assert publishing.differs(flow)
    services.publish_flow(flow, actor=HOUSE)
    assert not publishing.differs(flow)
    assert Version.objects.get(pk=first.pk).graph == first.graph
    assert Version.objects.get(pk=first.pk).digest == first.digest


def test_publishing_what_is_published_makes_no_new_version(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    services.publish_flow(flow, actor=HOUSE)
    assert Version.objects.filter(flow=flow).count() == 1


def test_rule_29_the_template_stays_as_it_was_published_with_the_flow(world: World) -> None:
    template = world.template("hello")
    pinned = template.version_id
    world.flow(STARTS, wait("1h"), ("mail", "send_email", {"template": "hello"}))
    world.does("mara", "Signed Up")
    template.body = "<p>New</p>"
    template.save()
    publish_template(template, actor=HOUSE)
    world.later("1h")
    message = Message.objects.get()
    assert (message.template_version_id, message.topic, message.klass) == (pinned, "news", "marketing")


def publishes(world: World, inside: str) -> Flow:
    flow = world.flow(STARTS, wait("1h"), wait("2h", "second"), WELCOME)
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("ben", "Signed Up")
    services.drafts.remove_node(flow, "second")
    assert publishing.publication_plan(flow)["inside"] == [
        {"version": 1, "node": "second", "count": 1, "kept": False},
        {"version": 1, "node": "wait", "count": 1, "kept": True},
    ]
    services.publish_flow(flow, actor=HOUSE, inside=inside)
    return flow


def test_rule_32_those_inside_finish_on_their_version(world: World) -> None:
    publishes(world, "finish")
    world.later("1h")
    world.later("2h")
    assert world.path("ben") == ["start", "wait", "second", "mail"]
    world.does("zoe", "Signed Up")
    world.later("1h")
    assert world.path("zoe") == ["start", "wait", "mail"]


def test_rule_32_those_inside_move_to_the_same_node_and_those_whose_node_is_gone_exit(world: World) -> None:
    publishes(world, "move")
    assert world.journeys("mara") == [("exited", "second", "node_removed")]
    world.later("1h")
    assert world.path("ben") == ["start", "wait", "mail"]


def test_rule_32_those_whose_node_is_gone_go_to_the_node_that_was_chosen(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), wait("2h", "second"), WELCOME)
    world.does("mara", "Signed Up")
    world.later("1h")
    services.drafts.remove_node(flow, "second")
    services.publish_flow(flow, actor=HOUSE, inside="move", nodes={"second": {"do": "move", "to": "mail"}})
    world.settle()
    assert world.path("mara") == ["start", "wait", "second", "mail"]
    assert world.journeys("mara") == [("completed", "mail", "")]
    assert len(world.mails("mara")) == 1


def test_rule_32_some_finish_some_move_and_some_exit(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), wait("2h", "second"), WELCOME)
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("ben", "Signed Up")
    services.drafts.change_node(flow, "mail", settings={"subject": "Other", "body": "<p>x</p>"})
    services.publish_flow(flow, actor=HOUSE, inside="finish", nodes={"wait": {"do": "exit"}})
    assert world.journeys("ben") == [("exited", "wait", "a new version was published")]
    world.later("2h")
    assert [one.version.number for one in Enrollment.objects.filter(contact__user_id="mara")] == [1]


@pytest.mark.parametrize(("waits", "after"), [(False, "4h"), (True, "1h")])
def test_rule_5_a_shorter_wait_asks_whether_those_waiting_take_the_new_one(
    world: World, waits: bool, after: str
) -> None:
    flow = world.flow(STARTS, wait("5h"), WELCOME)
    world.does("mara", "Signed Up")
    world.later("1h")
    services.drafts.change_node(flow, "wait", settings={"duration": "2h"})
    assert publishing.publication_plan(flow)["waits"] == [{"node": "wait", "was": "5h", "becomes": "2h"}]
    services.publish_flow(flow, actor=HOUSE, inside="move", waits=waits)
    world.settle()
    assert Enrollment.objects.get().due_at == Duration.parse(after).after(world.at)


def test_rule_32_rolling_back_publishes_the_old_version_again(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME)
    services.drafts.change_node(flow, "wait", settings={"duration": "3h"})
    services.publish_flow(flow, actor=HOUSE)
    world.does("mara", "Signed Up")
    again = services.roll_back(flow, version=1, actor=HOUSE, inside="move", waits=True)
    assert (again.number, again.digest) == (3, Version.objects.get(flow=flow, number=1).digest)
    assert not publishing.differs(flow)
    world.later("1h")
    assert len(world.mails("mara")) == 1


def test_rolling_back_leaves_a_draft_that_somebody_is_working_on(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME)
    services.drafts.change_node(flow, "wait", settings={"duration": "3h"})
    services.publish_flow(flow, actor=HOUSE)
    services.drafts.change_node(flow, "wait", settings={"duration": "9h"})
    services.roll_back(flow, version=1, actor=HOUSE)
    assert flow.nodes.get(key="wait").settings == {"duration": "9h"}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"inside": "vanish"}, "Those inside can finish, move, exit."),
        ({"nodes": {"wait": "exit"}}, "Say what becomes of those here"),
        ({"nodes": {"wait": {"do": "exit", "to": "mail"}}}, "Only those who move have a node to go to."),
        ({"nodes": {"wait": {"do": "move", "to": "nowhere"}}}, "There is no node “nowhere”"),
        ({"nodes": {"wait": {"do": "move", "to": "start"}}}, "There is no node “start”"),
    ],
)
def test_a_strange_choice_for_those_inside_is_refused_and_publishes_nothing(
    world: World, said: dict[str, Any], sentence: str
) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME)
    services.drafts.change_node(flow, "wait", settings={"duration": "3h"})
    with pytest.raises(Refused, match=sentence):
        services.publish_flow(flow, actor=HOUSE, **said)
    assert Version.objects.filter(flow=flow).count() == 1


def test_the_plan_says_what_a_changed_trigger_does(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME)
    assert publishing.publication_plan(flow)["trigger"] == ""
    services.drafts.change_node(flow, "start", settings={"event_name": "Order Completed"})
    assert "from now on only the new one starts journeys" in publishing.publication_plan(flow)["trigger"]


def test_rule_32_those_inside_exit(world: World) -> None:
    publishes(world, "exit")
    assert [status for who in ("mara", "ben") for status, _, _ in world.journeys(who)] == ["exited", "exited"]


def test_rule_32_an_old_version_still_hears_of_its_exit_condition(world: World) -> None:
    flow = world.flow(STARTS, wait("1d"), WELCOME, exit_when={"type": "EVENT", "eventName": "Order Completed"})
    world.does("mara", "Signed Up")
    services.change_flow(flow, settings={}, actor=HOUSE)
    services.publish_flow(flow, actor=HOUSE)
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("exited", "wait", "exit condition")]


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        (services.pause, "draft"),
        (services.resume, "running"),
        (services.drain, "draft"),
        (services.activate, "running"),
        (services.archive_flow, "running"),
        (services.delete_flow, "running"),
    ],
)
def test_a_verb_that_does_not_fit_the_state_is_refused_with_409(world: World, verb: Any, status: str) -> None:
    flow = world.flow(STARTS, WELCOME) if status == "running" else world.drawn(STARTS, WELCOME)
    with pytest.raises(Refused) as refused:
        act(verb, flow)
    assert refused.value.status == 409


def test_a_flow_with_a_history_is_archived_not_deleted(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    world.does("mara", "Signed Up")
    act(services.drain, flow)
    world.settle()
    with pytest.raises(Refused, match="archive it instead"):
        act(services.delete_flow, flow)
    act(services.archive_flow, flow)
    with pytest.raises(Refused, match="archived"):
        act(services.activate, flow)


def test_a_flow_nobody_came_to_can_be_deleted(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    act(services.drain, flow)
    world.settle()
    act(services.delete_flow, flow)
    assert not Flow.objects.exists()


def test_a_duplicate_has_the_same_draft_and_does_not_run(world: World) -> None:
    flow = world.flow(STARTS, WELCOME, reentry={"allowed": True, "after": "2h"})
    copy = services.duplicate_flow(flow, actor=HOUSE)
    assert (copy.status, copy.settings) == ("draft", flow.settings)
    assert services.drafts.document(copy) == services.drafts.document(flow)


def test_enrolling_by_hand_puts_contacts_in_at_once_and_says_who_was_refused(world: World) -> None:
    pro = property_is("customProperties.plan", "pro")
    flow = world.flow(("start", "event", {"event_name": "Signed Up", "filter": pro}), wait("1d"))
    world.meets("mara", plan="pro")
    world.meets("ben")
    people = [world.contact("mara").pk, world.contact("ben").pk]
    refused = services.enrol(flow, contact_ids=people, actor=HOUSE)
    world.settle()
    assert refused == {people[1]: "filter"}
    assert world.journeys("mara") == [("active", "wait", "")]


def test_a_draft_enrolls_nobody(world: World) -> None:
    flow = world.drawn(STARTS, WELCOME)
    world.does("mara", "Signed Up")
    assert Enrollment.objects.count() == 0
    with pytest.raises(Refused):
        services.enrol(flow, contact_ids=[1], actor=HOUSE)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"entry": "all"}, "settings.entry"),
        ({"reentry": {"allowed": True, "after": "10m"}}, "settings.reentry.after"),
        ({"late": "sometimes"}, "settings.late"),
        ({"ceilings": {"total": 0}}, "settings.ceilings.total"),
        ({"max_event_age": "soon"}, "settings.max_event_age"),
        ({"speed": "fast"}, "settings.speed"),
        ("fast", "settings"),
    ],
)
def test_bad_activation_settings_are_refused_with_their_path(world: World, settings: Any, path: str) -> None:
    flow = world.drawn(STARTS, WELCOME)
    with pytest.raises(Refused) as refused:
        services.activate(flow, settings=settings, actor=HOUSE)
    assert path in [fault.path for fault in refused.value.faults]


def test_an_event_trigger_has_no_current_members(world: World) -> None:
    with pytest.raises(Refused, match="Current members"):
        world.flow(STARTS, WELCOME, entry="both")


def test_a_late_event_starts_nobody(world: World) -> None:
    world.flow(STARTS, WELCOME, max_event_age="1h")
    now = world.at + timedelta(hours=3)
    world.did("mara", "Signed Up")
    world.turn_clock(now)
    world.settle()
    assert world.refusals("mara") == ["too_old"]


UNTIL = ("wait", "wait_until", {"until": "date", "date": "2026-03-20", "time": "09:00"})
FOR = ("wait", "wait_for", {"what": "event", "event_name": "Order Completed", "timeout": "9d"})
WINDOW = ("wait", "time_window", {"opens": "20:00", "closes": "21:00", "days": []})
LIMIT = ("wait", "rate_limit", {"count": 1, "interval": "1d"})


@pytest.mark.parametrize(
    ("node", "new", "was", "becomes", "gone"),
    [
        (UNTIL, {"date": "2026-03-04"}, "Wait until 2026-03-20 at 09:00", "Wait until 2026-03-04 at 09:00", "3d"),
        (FOR, {"timeout": "2d"}, "at most 9 days", "at most 2 days", "2d"),
        (WINDOW, {"opens": "13:00"}, "Only 20:00 to 21:00", "Only 13:00 to 21:00", "1h"),
        (LIMIT, {"count": 9}, "At most 1 per 1 day", "At most 9 per 1 day", "1m"),
    ],
    ids=["wait until", "wait for", "time window", "rate limit"],
)
@pytest.mark.parametrize("waits", [True, False])
def test_rule_32_each_kind_of_wait_takes_the_new_settings_only_when_asked_to(
    world: World, node: Any, new: Any, was: str, becomes: str, gone: str, waits: bool
) -> None:
    edges = "start:next>wait wait:next>mail" + (" wait:timeout>mail" if node is FOR else "")
    flow = world.flow(STARTS, node, WELCOME, edges=edges)
    for who in ("ben", "mara"):
        world.does(who, "Signed Up")
    world.later("10m")
    services.drafts.change_node(flow, "wait", settings={**node[2], **new})
    (told,) = publishing.publication_plan(flow)["waits"]
    assert (told["node"], was in told["was"], becomes in told["becomes"]) == ("wait", True, True)
    services.publish_flow(flow, actor=HOUSE, inside="move", waits=waits)
    world.settle()
    world.later(gone)
    assert len(world.mails("mara")) == (1 if waits else 0)


def test_rule_32_a_changed_question_is_asked_of_those_who_wait_for_a_person(world: World) -> None:
    flow = world.flow(STARTS, ("ask", "approval", {"question": "Now?"}), WELCOME)
    world.does("mara", "Signed Up")
    services.drafts.change_node(flow, "ask", settings={"question": "Really?"})
    told = publishing.publication_plan(flow)["waits"]
    assert told == [{"node": "ask", "was": "Approval: Now?", "becomes": "Approval: Really?"}]
    services.publish_flow(flow, actor=HOUSE, inside="move", waits=True)
    assert Enrollment.objects.get().parked == "waits for approval"


def test_rule_32_the_interval_of_a_test_counts_anew_for_those_whose_time_is_not_over(world: World) -> None:
    branches = [{"port": "a", "label": "A"}, {"port": "b", "label": "B"}]
    test = {"hypothesis": "A", "metric": "event", "event_name": "Order Completed", "branches": branches, "within": "7d"}
    edges = "start:next>test test:a>mail test:b>other"
    flow = world.flow(STARTS, ("test", "ab_test", test), WELCOME, ("other", *WELCOME[1:]), edges=edges)
    world.does("mara", "Signed Up")
    services.drafts.change_node(flow, "test", settings={**test, "within": "1d"})
    assert publishing.publication_plan(flow)["waits"] == [{"node": "test", "was": "7d", "becomes": "1d"}]
    services.publish_flow(flow, actor=HOUSE, inside="move", waits=True)
    world.later("2d")
    world.does("mara", "Order Completed")
    assert Trial.objects.get().won_at is None


def test_what_a_changed_trigger_does_is_said_in_the_plan(world: World) -> None:
    flow = world.flow(STARTS, WELCOME)
    services.drafts.change_node(flow, "start", settings={"event_name": "Signed In"})
    said = publishing.publication_plan(flow)["trigger"]
    assert "Signed Up" in said
    assert "Signed In" in said
    assert "only the new one starts journeys" in said
