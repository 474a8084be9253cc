"""Drawing a flow: each verb leaves a draft that makes sense, and counts one revision."""

from typing import Any

import pytest

from flows import drafts
from flows.models import Flow
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> Flow:
    flow = Flow.objects.create(name="Welcome", slug="welcome")
    drafts.insert_node(flow, "contact_segment", key="start", settings={"segment": "signed-up"})
    drafts.insert_node(flow, "wait", source="start", key="wait", settings={"duration": "1d"})
    drafts.insert_node(flow, "send_email", source="wait", key="mail")
    return flow


def ways(flow: Flow) -> dict[str, str]:
    return {f"{source}:{port}": target for (source, port), target in drafts.load(flow).edges.items()}


def test_a_node_dropped_on_a_slot_stands_between(flow: Flow) -> None:
    drafts.insert_node(flow, "add_to_list", source="start", key="list")
    assert ways(flow) == {"start:next": "list", "list:next": "wait", "wait:next": "mail"}
    assert flow.revision == 4


def test_what_stood_behind_a_split_follows_its_first_branch(flow: Flow) -> None:
    drafts.insert_node(flow, "split", source="wait", key="split")
    assert ways(flow)["split:yes"] == "mail"


def test_removing_a_node_closes_the_way(flow: Flow) -> None:
    drafts.remove_node(flow, "wait")
    assert ways(flow) == {"start:next": "mail"}


def test_removing_a_split_keeps_one_branch_and_drops_the_others(flow: Flow) -> None:
    drafts.insert_node(flow, "split", source="wait", key="split")
    drafts.insert_node(flow, "exit", source="split", port="else", key="away")
    drafts.remove_node(flow, "split", keep="yes")
    assert ways(flow) == {"start:next": "wait", "wait:next": "mail"}
    assert "away" not in drafts.load(flow).nodes


def test_a_branch_that_is_taken_off_takes_what_hangs_on_it(flow: Flow) -> None:
    drafts.insert_node(flow, "split", source="wait", key="split")
    drafts.change_node(flow, "split", settings={"branches": [{"port": "other"}]})
    assert "mail" not in drafts.load(flow).nodes
    assert "split:yes" not in ways(flow)


def test_moving_a_node_keeps_everything_else_in_order(flow: Flow) -> None:
    drafts.move_node(flow, "mail", source="start")
    assert ways(flow) == {"start:next": "mail", "mail:next": "wait"}


def test_a_new_trigger_leads_to_what_stood_below_the_old_one(flow: Flow) -> None:
    drafts.remove_node(flow, "start")
    drafts.insert_node(flow, "event", key="did")
    assert ways(flow) == {"did:next": "wait", "wait:next": "mail"}


def test_a_port_may_lead_back_or_to_the_end(flow: Flow) -> None:
    drafts.connect(flow, "mail", "next", "wait")
    assert ways(flow)["mail:next"] == "wait"
    drafts.connect(flow, "mail", "next", None)
    assert "mail:next" not in ways(flow)


@pytest.mark.parametrize(
    ("verb", "arguments", "status"),
    [
        (drafts.insert_node, {"kind": "teleport", "source": "start"}, 400),
        (drafts.insert_node, {"kind": "event"}, 400),
        (drafts.insert_node, {"kind": "wait", "source": "start", "port": "sideways"}, 400),
        (drafts.insert_node, {"kind": "wait", "source": "start", "settings": {"duration": "soon"}}, 400),
        (drafts.insert_node, {"kind": "wait", "source": "nowhere"}, 404),
        (drafts.remove_node, {"key": "nowhere"}, 404),
        (drafts.move_node, {"key": "mail", "source": "mail"}, 400),
        (drafts.change_node, {"key": "wait", "settings": {"hours": 2}}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(flow: Flow, verb: Any, arguments: Any, status: int) -> None:
    before = drafts.document(flow)
    with pytest.raises(Refused) as refused:
        verb(flow, **arguments)
    assert refused.value.status == status
    assert drafts.document(flow) == before


def test_a_change_on_an_older_revision_is_refused(flow: Flow) -> None:
    with pytest.raises(Refused) as refused:
        drafts.change_node(flow, "wait", settings={"duration": "2d"}, revision=1)
    assert refused.value.status == 409


def test_replacing_the_draft_by_its_own_document_changes_nothing(flow: Flow) -> None:
    before = drafts.document(flow)
    drafts.replace_draft(flow, before)
    assert drafts.document(flow) == before
