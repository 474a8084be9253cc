"""A published version made ready to run: settings read, questions by rule, edges by port; cached, because it never changes."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from contacts.properties import fact_of
from flows import activation, graph
from flows.activation import Activation
from flows.models import Version, Watch
from flows.nodes.base import AnyNode
from flows.nodes.triggers import trigger_of
from flows.rows import quick
from messaging.models import Sender, Stream, TemplateVersion
from workspace.durations import Duration

MOST_CACHED = 500


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One node ready to run; `fault` says why it cannot."""

    key: str
    kind: str
    type: AnyNode | None
    settings: Any
    asks: Mapping[int, tuple[str, ...]]  # rule → the names of the questions that it answers
    targets: Mapping[str, str]  # port → node
    fault: str = ""
    since_here: bool = False  # its questions speak of when the contact came here


@dataclass(frozen=True, slots=True)
class Pinned:
    """A template as it was when the version was published."""

    version_id: int
    transactional: bool
    topic: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say about who may enter, read once."""

    max_age: timedelta | None
    gap: Duration | None
    which: str
    least_absence: Duration | None
    still: Duration | None  # how long after a journey who is still in the segment enters again


@dataclass(frozen=True, slots=True)
class Aim:
    """A goal on the canvas: what reaches it, from where, and what then."""

    node: str
    rule: int
    reach: str
    within: Duration | None
    before: frozenset[str]  # the nodes from which it lies ahead


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a version that the engine needs."""

    version_id: int
    flow_id: int
    flow: str
    settings: Activation
    nodes: Mapping[str, PlanNode]
    trigger: PlanNode
    filter: int | None
    where: int | None
    audience: int | None
    exits: tuple[tuple[int, str], ...]  # rule and its name: when, leave
    goal: int | None
    restart: int | None
    pinned: Mapping[str, Pinned]
    senders: Mapping[str, int]
    stream_id: int | None
    terms: Terms
    reads: frozenset[str] = field(default=frozenset())  # of exits, goals and restart
    aims: tuple[Aim, ...] = ()
    wakes: Mapping[str, frozenset[str]] = field(default_factory=dict)  # fact → the nodes where it may end a wait
    tests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # fact → the A/B tests that count it

    @property
    def trigger_facts(self) -> frozenset[str]:
        """Return the facts that may start somebody."""
        return frozenset() if self.trigger.fault else trigger_of(self.trigger.type).facts(self.trigger.settings)

    @property
    def standing(self) -> frozenset[int]:
        """Return the rules asked of everybody inside: exits, goals, restart."""
        return frozenset(
            [rule for rule, _ in self.exits]
            + [rule for rule in (self.goal, self.restart) if rule is not None]
            + [aim.rule for aim in self.aims]
        )

    @property
    def heard(self) -> frozenset[str]:
        """Return the facts that its nodes wait for or count."""
        return frozenset([*self.wakes, *self.tests])


_cache: OrderedDict[tuple[int, str], Plan] = OrderedDict()


_DIGESTS = "SELECT id, digest FROM flows_version WHERE id = ANY(%s::bigint[])"


def plans_of(version_ids: Collection[int]) -> dict[int, Plan]:
    """Return the plans of these versions: one query when all are cached."""
    wanted: dict[int, str] = dict(quick(_DIGESTS, [version_ids]))
    missing = [pk for pk, digest in wanted.items() if (pk, digest) not in _cache]
    for plan, digest in _load(missing):
        _cache[plan.version_id, digest] = plan
    found = {pk: _cache[pk, digest] for pk, digest in wanted.items()}
    while len(_cache) > MOST_CACHED:
        _cache.popitem(last=False)
    return found


def forget(version_id: int) -> None:
    """Keep no plan of a version that was never stored."""
    for key in [one for one in _cache if one[0] == version_id]:
        del _cache[key]


def _load(version_ids: Collection[int]) -> list[tuple[Plan, str]]:
    if not version_ids:
        return []
    versions = list(Version.objects.filter(pk__in=version_ids).select_related("flow"))
    watches: dict[int, list[Watch]] = {version.pk: [] for version in versions}
    for watch in Watch.objects.filter(version__in=versions).select_related("rule"):
        watches[watch.version_id].append(watch)
    pinned_ids = [pk for version in versions for pk in version.graph.get("pinned", {}).values()]
    templates = TemplateVersion.objects.in_bulk(pinned_ids)
    senders = dict(Sender.objects.filter(channel="email").values_list("slug", "pk"))
    streams = dict(
        Stream.objects.filter(kind="flow", slug__in=[one.flow.slug for one in versions]).values_list("slug", "pk")
    )
    return [
        (_plan(one, watches[one.pk], templates, senders, streams.get(one.flow.slug)), one.digest) for one in versions
    ]


def _plan(
    version: Version,
    watches: list[Watch],
    templates: Mapping[int, TemplateVersion],
    senders: Mapping[str, int],
    stream_id: int | None,
) -> Plan:
    nodes = {one["id"]: _node(version.graph, one, watches) for one in version.graph["nodes"]}
    trigger = next(one for one in nodes.values() if one.type is not None and one.type.group == "trigger")
    settings = activation.read(version.settings)
    by = {(one.purpose, one.name): one for one in watches if one.purpose != Watch.Purpose.ASK}
    standing = [one for one in watches if one.purpose in ("exit", "goal", "restart")]
    return Plan(
        version_id=version.pk,
        flow_id=version.flow_id,
        flow=version.flow.slug,
        settings=settings,
        nodes=nodes,
        trigger=trigger,
        filter=_rule(by, "filter", "filter"),
        where=_rule(by, "filter", "where"),
        audience=_rule(by, "filter", "audience"),
        exits=tuple((one.rule_id, one.name) for one in watches if one.purpose == "exit"),
        goal=_rule(by, "goal", ""),
        restart=_rule(by, "restart", ""),
        pinned={
            slug: _pinned(templates[pk]) for slug, pk in version.graph.get("pinned", {}).items() if pk in templates
        },
        senders=senders,
        stream_id=stream_id,
        terms=_terms(settings, trigger),
        reads=frozenset(fact for one in standing for fact in one.rule.reads if fact != "clock"),
        aims=_aims(version.graph, nodes, watches),
        wakes=_wakes(nodes, watches),
        tests=_tests(nodes, settings),
    )


def _aims(document: Mapping[str, Any], nodes: Mapping[str, PlanNode], watches: list[Watch]) -> tuple[Aim, ...]:
    found = []
    for watch in watches:
        node = nodes.get(watch.node) if watch.purpose == Watch.Purpose.GOAL else None
        if node is not None and node.settings is not None:
            within = Duration.parse(node.settings.within) if node.settings.within else None
            found.append(Aim(node.key, watch.rule_id, node.settings.reach, within, _above(document, node.key)))
    return tuple(found)


def _above(document: Mapping[str, Any], key: str) -> frozenset[str]:
    """Return the nodes from which one lies ahead, itself not among them."""
    into: dict[str, list[str]] = {}
    for edge in document["edges"]:
        into.setdefault(edge["to"], []).append(edge["from"])
    seen: set[str] = set()
    ahead = [key]
    while ahead:
        fresh = [one for one in into.get(ahead.pop(), ()) if one not in seen]
        seen.update(fresh)
        ahead += fresh
    return frozenset(seen - {key})


def _wakes(nodes: Mapping[str, PlanNode], watches: list[Watch]) -> dict[str, frozenset[str]]:
    """Return the nodes where a wait may end, or has to be reckoned anew, when a fact changes."""
    found: dict[str, set[str]] = {}
    waiting = {key: node for key, node in nodes.items() if node.type is not None and node.type.heeds and not node.fault}
    for watch in watches:
        if watch.node in waiting and watch.purpose == Watch.Purpose.ASK:
            for fact in watch.rule.reads:
                found.setdefault(fact, set()).add(watch.node)
    for key, node in waiting.items():
        assert node.type is not None
        for name in node.type.wants(node.settings):
            found.setdefault(fact_of(name), set()).add(key)
    return {fact: frozenset(keys) for fact, keys in found.items() if fact != "clock"}


def _tests(nodes: Mapping[str, PlanNode], settings: Activation) -> dict[str, tuple[str, ...]]:
    """Return the A/B tests by the event that each counts."""
    found: dict[str, tuple[str, ...]] = {}
    for key, node in nodes.items():
        tests = node.type is not None and node.type.is_test and not node.fault
        if tests and (event := counted_event(node.settings, settings)):
            found[f"event:{event}"] = (*found.get(f"event:{event}", ()), key)
    return found


def counted_event(test: Any, settings: Activation) -> str:
    """Return the event that a test counts: its own, or that of the flow's conversion."""
    if test.metric == "event":
        return str(test.event_name)
    return settings.conversion.event if settings.conversion else ""


def _terms(settings: Activation, trigger: PlanNode) -> Terms:
    after, again = (
        getattr(trigger.settings, "after", ""),
        "" if trigger.fault else trigger_of(trigger.type).again(trigger.settings),
    )
    still = getattr(trigger.settings, "or_still_in_after", "")
    return Terms(
        settings.oldest_event,
        settings.gap or (Duration.parse(again) if again else None),
        getattr(trigger.settings, "which", "any"),
        Duration.parse(after) if after else None,
        Duration.parse(still) if still else None,
    )


def _rule(by: Mapping[tuple[str, str], Watch], purpose: str, name: str) -> int | None:
    watch = by.get((purpose, name))
    return watch.rule_id if watch else None


def _pinned(template: TemplateVersion) -> Pinned:
    return Pinned(template.pk, template.transactional, template.topic)


def _node(document: Mapping[str, Any], one: Mapping[str, Any], watches: list[Watch]) -> PlanNode:
    raw = graph.GraphNode(one["id"], one["kind"], settings=one.get("settings", {}))
    asks: dict[int, tuple[str, ...]] = {}
    for watch in watches:
        if watch.node == raw.key and watch.purpose == Watch.Purpose.ASK:
            asks[watch.rule_id] = (*asks.get(watch.rule_id, ()), watch.name)
    targets = {edge["port"]: edge["to"] for edge in document["edges"] if edge["from"] == raw.key}
    try:
        return PlanNode(raw.key, raw.kind, raw.type, raw.read(), asks, targets, since_here=raw.asks_since_here)
    except KeyError:
        return PlanNode(raw.key, raw.kind, None, None, asks, targets, f"There is no kind of node “{raw.kind}” here.")
    except ValidationError as error:
        return PlanNode(raw.key, raw.kind, raw.type, None, asks, targets, f"Its settings cannot be read: {error}")
