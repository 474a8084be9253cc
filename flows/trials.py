"""A/B tests as they run: who took which branch first, who did what counts, what may be said, and what is promoted."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Min, Sum

from flows.ledger import Counts
from flows.models import Flow, Tally
from flows.plans import Plan, PlanNode, counted_event, plans_of
from flows.rows import select
from flows.rule_models import Promotion
from flows.verdicts import Terms, Verdict, figure, judge
from workspace import clock
from workspace.audit import HOUSE, Actor, record
from workspace.durations import Duration
from workspace.problems import refuse


class Taker(Protocol):
    """Somebody who has just taken a branch."""

    flow_id: int
    contact_id: int
    plan: Plan


class Fact(Protocol):
    """An event as the queue of Changes tells it."""

    @property
    def contact_id(self) -> int:
        """Return whom it is about."""
        ...

    @property
    def fact(self) -> str:
        """Return what changed."""
        ...

    @property
    def at(self) -> datetime:
        """Return when."""
        ...


def promoted(flow_id: int, node: str) -> str:
    """Return the branch that everybody takes by now; empty while the test runs."""
    return Promotion.objects.filter(flow=flow_id, node=node).values_list("port", flat=True).first() or ""


_TRY = """
INSERT INTO flows_trial (flow_id, node, contact_id, version_id, port, at, until)
SELECT f, n, c, v, p, %s, u FROM jsonb_to_recordset(%s::jsonb)
    AS t(f bigint, n text, c bigint, v bigint, p text, u timestamptz)
ON CONFLICT (flow_id, node, contact_id) DO NOTHING
RETURNING flow_id, version_id, node, port
"""


def note(taken: Sequence[tuple[Taker, PlanNode, str]], at: datetime, counts: Counts) -> None:
    """Note who took which branch; only the first time counts, so that each contact is one trial."""
    ends: dict[str, str] = {}
    rows = []
    for one, node, port in taken:
        within = node.settings.within
        ends[within] = ends.get(within) or Duration.parse(within).after(at).isoformat()
        rows.append(
            {
                "f": one.flow_id,
                "n": node.key,
                "c": one.contact_id,
                "v": one.plan.version_id,
                "p": port,
                "u": ends[within],
            }
        )
    if rows:
        for flow, version, key, port in select(_TRY, [at, json.dumps(rows)]):
            counts.add(flow, version, Tally.What.TRIED, key, port)


_WIN = """
UPDATE flows_trial AS t SET won_at = d.at
FROM (SELECT f, n, c, min(at) AS at FROM jsonb_to_recordset(%s::jsonb)
      AS w(f bigint, n text, c bigint, at timestamptz) GROUP BY 1, 2, 3) AS d
WHERE t.flow_id = d.f AND t.node = d.n AND t.contact_id = d.c AND t.won_at IS NULL AND d.at >= t.at AND d.at <= t.until
RETURNING t.flow_id, t.version_id, t.node, t.port
"""


def win(
    facts: Collection[Fact], readers: Mapping[str, Sequence[int]], plans: Mapping[int, Plan], counts: Counts
) -> None:
    """Note who did what a test counts, within its time."""
    rows = [
        {"f": plans[version].flow_id, "n": node, "c": one.contact_id, "at": one.at.isoformat()}
        for one in facts
        for version in readers.get(one.fact, ())
        for node in plans[version].tests.get(one.fact, ())
    ]
    if rows:
        for flow, version, node, port in select(_WIN, [json.dumps(rows)]):
            counts.add(flow, version, Tally.What.WON, node, port)


# What may be said -------------------------------------------------------------------------------------------------------


def results(flow: Flow, at: datetime, node: str = "") -> dict[str, dict[str, Any]]:
    """Return the tests of the published version with their figures and verdicts, by node; counted by the tally alone."""
    if flow.version_id is None:
        return {}
    plan = plans_of([flow.version_id])[flow.version_id]
    tests = {key: one for key, one in plan.nodes.items() if _is_test(one) and node in ("", key)}
    if not tests:
        return {}
    sums = _sums(flow.pk, tests)
    found = {one.node: one for one in Promotion.objects.filter(flow=flow, node__in=tests).select_related("by")}
    return {key: _result(plan, one, sums, found.get(key), at) for key, one in tests.items()}


def _is_test(node: PlanNode) -> bool:
    return node.type is not None and node.type.is_test and not node.fault


class _Sums:
    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str], int] = defaultdict(int)
        self.began: dict[str, datetime] = {}


def _sums(flow_id: int, nodes: Collection[str]) -> _Sums:
    rows = Tally.objects.filter(flow=flow_id, node__in=list(nodes), what__in=[Tally.What.TRIED, Tally.What.WON])
    found = _Sums()
    counted = rows.values_list("node", "port", "what").annotate(sum=Sum("count"), first=Min("minute")).order_by()
    for node, port, what, count, first in counted:
        found.counts[node, port, what] = count
        if what == Tally.What.TRIED:
            found.began[node] = min(first, found.began.get(node, first))
    return found


def verdict_of(node: PlanNode, sums: _Sums, at: datetime) -> Verdict:
    """Return what may be said of a test now."""
    test = node.settings
    sure = float(test.confidence)
    figures = [
        figure(
            one.port, one.name, sums.counts[node.key, one.port, "tried"], sums.counts[node.key, one.port, "won"], sure
        )
        for one in test.branches
        if one.weight
    ]
    terms = Terms(sample=test.minimum_sample, time=Duration.parse(test.minimum_time), confidence=sure)
    return judge(figures, terms, sums.began.get(node.key), at)


def _result(plan: Plan, node: PlanNode, sums: _Sums, promotion: Promotion | None, at: datetime) -> dict[str, Any]:
    said = verdict_of(node, sums, at)
    return {
        "hypothesis": node.settings.hypothesis,
        "metric": counted_event(node.settings, plan.settings),
        "began": sums.began.get(node.key),
        "branches": [
            {
                "port": one.port,
                "label": one.label,
                "tried": one.tried,
                "won": one.won,
                "share": round(one.share, 6),
                "low": round(one.interval.low, 6),
                "high": round(one.interval.high, 6),
            }
            for one in said.figures
        ],
        "winner": said.winner or None,
        "verdict": said.words,
        "promoted": _promotion(promotion) if promotion else None,
    }


def _promotion(one: Promotion) -> dict[str, Any]:
    return {"port": one.port, "how": one.how, "by": one.by.get_username() if one.by else None, "at": one.at}


# Promoting --------------------------------------------------------------------------------------------------------------


def promote(flow: Flow, node: str, port: str, *, actor: Actor) -> Promotion:
    """Let everybody who comes from now on take this branch; recorded, and undone by `withdraw`."""
    test = _test(flow, node)
    ports = [one.port for one in test.settings.branches]
    if port not in ports:
        raise refuse("port", f"The test “{node}” has no branch “{port[:63]}”; it has {', '.join(ports)}.")
    with transaction.atomic():
        made = _promote(flow, test, port, Promotion.How.HAND, actor)
        if made is None:
            raise refuse("port", "A branch of this test is promoted already; withdraw that first.", 409)
    return made


def _test(flow: Flow, node: str) -> PlanNode:
    plan = plans_of([flow.version_id])[flow.version_id] if flow.version_id else None
    found = plan.nodes.get(node) if plan else None
    if found is None or not _is_test(found):
        raise refuse("node", f"There is no A/B test “{node[:63]}” in the published version.", 404)
    return found


def _promote(flow: Flow, test: PlanNode, port: str, how: str, actor: Actor) -> Promotion | None:
    at = clock.now()
    said = verdict_of(test, _sums(flow.pk, [test.key]), at)
    figures = {one.port: {"tried": one.tried, "won": one.won} for one in said.figures}
    made, new = Promotion.objects.get_or_create(
        flow=flow,
        node=test.key,
        defaults={"port": port, "how": how, "by_id": actor.user_id, "figures": figures, "at": at},
    )
    if not new:
        return None
    record(actor, "flow.branch_promoted", flow.ref, node=test.key, port=port, how=str(how), figures=figures)
    return made


def withdraw(flow: Flow, node: str, *, actor: Actor) -> None:
    """Let the test go on."""
    with transaction.atomic():
        gone, _ = Promotion.objects.filter(flow=flow, node=node).delete()
        if not gone:
            raise refuse("node", "No branch of this test is promoted.", 409)
        record(actor, "flow.promotion_withdrawn", flow.ref, node=node)


def promote_winners() -> int:
    """Promote the better branch of every running test that does so by itself and has a verdict; return how many."""
    flows = Flow.objects.filter(status=Flow.Status.RUNNING, version__graph__contains={"nodes": [{"kind": "ab_test"}]})
    done, at = 0, clock.now()
    for flow in flows:
        assert flow.version_id is not None
        plan = plans_of([flow.version_id])[flow.version_id]
        tests = [one for one in plan.nodes.values() if _is_test(one) and one.settings.promote == "itself"]
        sums = _sums(flow.pk, [one.key for one in tests])
        for test in tests:
            if winner := verdict_of(test, sums, at).winner:
                with transaction.atomic():
                    done += _promote(flow, test, winner, Promotion.How.ITSELF, HOUSE) is not None
    return done
