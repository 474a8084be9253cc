"""A published version made ready to run: settings read, questions by rule, edges by port; cached, because it never changes."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from flows import activation, graph
from flows.activation import Activation
from flows.models import Version, Watch
from flows.nodes.base import AnyNode
from flows.nodes.triggers import trigger_of
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
    reads: frozenset[str] = field(default=frozenset())  # of exits, goal and restart

    @property
    def trigger_facts(self) -> frozenset[str]:
        """Return the facts that may start somebody."""
        return frozenset() if self.trigger.fault else trigger_of(self.trigger.type).facts(self.trigger.settings)

    @property
    def standing(self) -> frozenset[int]:
        """Return the rules asked of everybody inside: exits, goal, restart."""
        return frozenset(
            [rule for rule, _ in self.exits] + [rule for rule in (self.goal, self.restart) if rule is not None]
        )


_cache: OrderedDict[tuple[int, str], Plan] = OrderedDict()


def plans_of(version_ids: Collection[int]) -> dict[int, Plan]:
    """Return the plans of these versions: one query when all are cached."""
    wanted = dict(Version.objects.filter(pk__in=version_ids).values_list("pk", "digest"))
    missing = [pk for pk, digest in wanted.items() if (pk, digest) not in _cache]
    for plan, digest in _load(missing):
        _cache[plan.version_id, digest] = plan
    found = {pk: _cache[pk, digest] for pk, digest in wanted.items()}
    while len(_cache) > MOST_CACHED:
        _cache.popitem(last=False)
    return found


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
    )


def _terms(settings: Activation, trigger: PlanNode) -> Terms:
    after, again = getattr(trigger.settings, "after", ""), "" if trigger.fault else trigger_of(trigger.type).again(trigger.settings)
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
        return PlanNode(raw.key, raw.kind, raw.type, raw.read(), asks, targets)
    except KeyError:
        return PlanNode(raw.key, raw.kind, None, None, asks, targets, f"There is no kind of node “{raw.kind}” here.")
    except ValidationError as error:
        return PlanNode(raw.key, raw.kind, raw.type, None, asks, targets, f"Its settings cannot be read: {error}")
