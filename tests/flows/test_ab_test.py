"""An A/B test of two mails: who took which, who bought, what may be said, and the better one takes all."""

from typing import Any

import pytest

from flows import trials
from flows.models import Enrollment, Flow, Step, Tally
from flows.rule_models import Promotion, Trial
from tests.conftest import staff
from tests.flows.conftest import STARTS, World
from workspace.audit import Actor
from workspace.models import Audit
from workspace.problems import Refused

LONG = ("long", "send_email", {"subject": "Long", "body": "<p>Hi</p>", "transactional": True})
SHORT = ("short", "send_email", {"subject": "Short", "body": "<p>Hi</p>", "transactional": True})
EDGES = "start:next>test test:a>long test:b>short"


def compares(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    branches = [{"port": "a", "label": "Long"}, {"port": "b", "label": "Short"}]
    base = {"hypothesis": "A shorter mail brings more orders.", "branches": branches, "event_name": "Order Completed"}
    return "test", "ab_test", {**base, "minimum_sample": 10, "minimum_time": "7d", "within": "3d", **settings}


def begun(world: World, people: int, **settings: Any) -> Flow:
    flow = world.flow(STARTS, compares(**settings), LONG, SHORT, edges=EDGES)
    for number in range(people):
        world.did(f"c{number}", "Signed Up")
    world.settle()
    return flow


def took(port: str) -> list[str]:
    rows = Step.objects.filter(node="test", port=port).order_by("contact_id")
    return list(rows.values_list("contact__user_id", flat=True))


def result(world: World, flow: Flow) -> dict[str, Any]:
    flow.refresh_from_db()
    return trials.results(flow, world.at)["test"]


def buy(world: World, who: list[str]) -> None:
    for one in who:
        world.did(one, "Order Completed")
    world.settle()


def test_rule_25_about_half_take_each_branch_and_always_the_same(world: World) -> None:
    begun(world, 60)
    assert 15 < len(took("a")) < 45
    before = {who: port for port in "ab" for who in took(port)}
    other = world.flow(("start", "event", {"event_name": "Again"}), compares(), LONG, SHORT, edges=EDGES)
    Flow.objects.filter(pk=other.pk).update(slug="flow-0-again")
    world.settle()
    assert before == {who: port for port in "ab" for who in took(port)}


def test_no_winner_before_the_sample_and_the_time_and_then_the_better_one(world: World) -> None:
    flow = begun(world, 60)
    world.later("1h")
    buy(world, took("b"))
    early = result(world, flow)
    assert (early["winner"], early["verdict"]) == (None, "No verdict yet: the test runs for at least 7 days.")
    world.later("7d")
    late = result(world, flow)
    assert (late["winner"], late["verdict"]) == ("b", "“Short” is better, 95% sure.")
    short = next(one for one in late["branches"] if one["port"] == "b")
    assert (short["tried"], short["won"], short["share"]) == (len(took("b")), len(took("b")), 1.0)
    assert 0.8 < short["low"] < short["high"] <= 1
    assert Promotion.objects.count() == 0  # by hand: nobody has said so


def test_a_purchase_after_its_time_or_before_the_branch_counts_for_nothing_and_a_second_one_once(world: World) -> None:
    world.did("c0", "Order Completed")
    world.settle()
    world.later("1m")
    flow = begun(world, 12)
    world.later("1d")
    buy(world, ["c1", "c1"])
    world.later("3d")
    buy(world, ["c2"])
    assert sum(one["won"] for one in result(world, flow)["branches"]) == 1


def test_figures_come_from_the_tally_alone(world: World, django_assert_max_num_queries: Any) -> None:
    flow = begun(world, 12)
    Trial.objects.all().delete()
    Tally.objects.filter(what="tried").update(count=1)
    with django_assert_max_num_queries(8):
        assert sum(one["tried"] for one in result(world, flow)["branches"]) > 0
    Tally.objects.filter(what="tried").delete()


def test_the_better_branch_promoted_by_itself_takes_all_new_arrivals_and_the_record_says_so(world: World) -> None:
    flow = begun(world, 60, promote="itself")
    world.later("1h")
    buy(world, took("b"))
    assert trials.promote_winners() == 0
    world.later("7d")
    assert trials.promote_winners() == 1
    assert trials.promote_winners() == 0
    tried = Trial.objects.count()
    for number in range(10):
        world.did(f"n{number}", "Signed Up")
    world.settle()
    new = Step.objects.filter(node="test", contact__user_id__startswith="n")
    assert set(new.values_list("port", flat=True)) == {"b"}
    assert new[0].saw == {"promoted": True}
    assert Trial.objects.count() == tried  # what nobody drew proves nothing
    said = Audit.objects.get(verb="flow.branch_promoted")
    assert (said.detail["port"], said.detail["how"], said.subject) == ("b", "itself", flow.ref)


def test_ada_promotes_by_hand_before_any_verdict_and_withdraws_it(world: World) -> None:
    flow = begun(world, 20)
    ada = Actor.of(user=staff("ada"))
    with pytest.raises(Refused, match="no branch"):
        trials.promote(flow, "test", "c", actor=ada)
    with pytest.raises(Refused, match="no A/B test"):
        trials.promote(flow, "mail", "a", actor=ada)
    trials.promote(flow, "test", "a", actor=ada)
    with pytest.raises(Refused, match="promoted already"):
        trials.promote(flow, "test", "b", actor=ada)
    assert result(world, flow)["promoted"]["by"] == "ada"
    trials.withdraw(flow, "test", actor=ada)
    assert result(world, flow)["promoted"] is None
    verbs = Audit.objects.filter(verb__startswith="flow.prom").values_list("verb", flat=True)
    assert list(verbs) == ["flow.promotion_withdrawn"]
    assert Enrollment.objects.filter(status="active").count() == 0


def test_a_test_may_count_the_flows_conversion(world: World) -> None:
    flow = world.flow(
        STARTS, compares(metric="conversion", event_name=""), LONG, SHORT, edges=EDGES, conversion={"event": "Bought"}
    )
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("mara", "Bought")
    assert sum(one["won"] for one in result(world, flow)["branches"]) == 1


def test_who_comes_again_is_one_trial(world: World) -> None:
    again = {"reentry": {"allowed": True, "after": "1h"}}
    flow = world.flow(STARTS, compares(), LONG, SHORT, edges=EDGES, **again)
    for _ in range(3):
        world.does("mara", "Signed Up", at=str(world.at))
        world.later("2h")
    assert len(world.journeys("mara")) == 3
    assert sum(one["tried"] for one in result(world, flow)["branches"]) == 1
