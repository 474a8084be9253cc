"""What becomes of those inside when a new version is published: finish on theirs, move over, or exit (rule 32)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.db import connection
from django.db.models import Count

from flows import asking, ledger
from flows.graph import Graph
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Flow, Version
from flows.nodes import KINDS
from flows.rows import select
from workspace import clock
from workspace.durations import Duration
from workspace.problems import Fault, Refused

What = Literal["finish", "move", "exit"]
WHATS = ("finish", "move", "exit")
MOVED = "moved"  # the port of a step that nobody took: a new version put the contact elsewhere
REMOVED = "node_removed"
REPLACED = "a new version was published"


@dataclass(frozen=True, slots=True)
class Place:
    """What becomes of those at one node: `to` is where they move, empty for the same node."""

    what: What = "finish"
    to: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of everybody inside, of those at single nodes, and whether waits under way take the new length."""

    what: What = "finish"
    places: Mapping[str, Place] = field(default_factory=dict)
    waits: bool = False

    def at(self, node: str, kept: bool) -> Place:
        """Return what becomes of those at a node, of which the new version has one or not."""
        place = self.places.get(node, Place(self.what))
        if place.what == "move" and not place.to:
            return Place("move", node) if kept else Place("exit")
        return place


def read(what: str = "finish", places: Any = None, waits: bool = False) -> Choice:
    """Read a choice as sent: `places` is {node: {"do": finish / move / exit, "to": node}}; refuse what is none."""
    found: list[Fault] = []
    if what not in WHATS:
        found.append(Fault("inside", f"Those inside can {', '.join(WHATS)}."))
    read_places = {node: _place(node, one, found) for node, one in (places or {}).items()}
    if found:
        raise Refused(found[0].message, found)
    return Choice(what, read_places, waits)  # type: ignore[arg-type] # looked at above


def _place(node: str, one: Any, found: list[Fault]) -> Place:
    path = f"nodes.{node[:63]}"
    if not isinstance(one, dict) or one.keys() - {"do", "to"} or one.get("do") not in WHATS:
        found.append(Fault(path, 'Say what becomes of those here: {"do": "finish", "move" or "exit", "to": a node}.'))
        return Place()
    to = one.get("to", "")
    if not isinstance(to, str) or (to and one["do"] != "move"):
        found.append(Fault(f"{path}.to", "Only those who move have a node to go to."))
        return Place()
    return Place(one["do"], to)


def refuse_strange(choice: Choice, draft: Graph) -> None:
    """Refuse places that lead to nodes which the new version does not have, or to its trigger."""
    trigger = draft.trigger.key if draft.trigger else ""
    found = [
        Fault(f"nodes.{node}.to", f"There is no node “{one.to}” in the new version to move to.")
        for node, one in choice.places.items()
        if one.to and (one.to not in draft.nodes or one.to == trigger)
    ]
    if found:
        raise Refused(found[0].message, found)


@dataclass(frozen=True, slots=True)
class Group:
    """Those who stand at one node of one version."""

    version_id: int
    number: int
    node: str
    count: int
    kind: str
    settings: Mapping[str, Any]


def groups(flow: Flow, without: int | None = None) -> list[Group]:
    """Return who stands where inside, by version and node; `without` leaves out a version."""
    rows = Enrollment.objects.filter(flow=flow, status=Enrollment.Status.ACTIVE).exclude(version=without)
    counted = rows.values_list("version_id", "node").annotate(count=Count("id")).order_by("version_id", "node")
    found = list(counted)
    versions = Version.objects.in_bulk({version for version, _, _ in found})
    return [_group(versions[version], node, count) for version, node, count in found]


def _group(version: Version, node: str, count: int) -> Group:
    nothing: dict[str, Any] = {}
    one = next((each for each in version.graph["nodes"] if each["id"] == node), nothing)
    return Group(version.pk, version.number, node, count, one.get("kind", ""), one.get("settings", {}))


def rehouse(flow: Flow, version: Version, choice: Choice, before: Version | None = None) -> None:
    """Do what was chosen for those inside; `before` is what ran until now; the caller has the flow alone."""
    at, counts = clock.now(), Counts()
    nodes = {one["id"]: one for one in version.graph["nodes"]}
    for group in groups(flow, without=version.pk):
        place = choice.at(group.node, group.node in nodes)
        if place.what == "exit":
            _exit(flow, group, REMOVED if group.node not in nodes else REPLACED, at, counts)
        elif place.what == "move":
            _move(flow, group, version, nodes[place.to], choice.waits, at, counts)
    if choice.waits:
        _take_intervals(flow, before, nodes, at)
    counts.write(at)


def _exit(flow: Flow, group: Group, reason: str, at: datetime, counts: Counts) -> None:
    leaving = Enrollment.objects.filter(
        flow=flow, version=group.version_id, node=group.node, status=Enrollment.Status.ACTIVE
    )
    ids = leaving.order_by("id").values_list("pk", flat=True)
    ledger.end([Ending(pk, "exited", reason) for pk in ids], at, counts)


def _move(
    flow: Flow, group: Group, version: Version, target: Mapping[str, Any], waits: bool, at: datetime, counts: Counts
) -> None:
    """Put one group over: to the same node as they stand, to another one as if they came there now."""
    params = {"flow": flow.pk, "old": group.version_id, "node": group.node, "new": version.pk, "at": at}
    if target["id"] == group.node and target["kind"] == group.kind:
        if waits and group.settings != target["settings"]:
            _take_waits(group.kind, params, group.settings, target["settings"])
        _execute(_KEEP, params)
    else:
        _execute(_PLACE, {**params, "to": target["id"], "kind": group.kind})
    counts.add(flow.pk, group.version_id, "moved_out", count=group.count)
    counts.add(flow.pk, group.version_id, "left", group.node, MOVED, group.count)
    counts.add(flow.pk, version.pk, "moved_in", count=group.count)
    counts.add(flow.pk, version.pk, "arrived", target["id"], count=group.count)


_KEEP = """
UPDATE flows_enrollment SET version_id = %(new)s
WHERE flow_id = %(flow)s AND version_id = %(old)s AND node = %(node)s AND status = 'active'
"""
_PLACE = """
WITH put AS (
    UPDATE flows_enrollment SET version_id = %(new)s, node = %(to)s, visit = visit + 1, due_at = %(at)s, waiting = false,
        parked = '', wake_on = '', clock = 'none', attempts = 0, error = ''
    WHERE flow_id = %(flow)s AND version_id = %(old)s AND node = %(node)s AND status = 'active'
    RETURNING id, visit - 1 AS visit, entered_on, contact_id
)
INSERT INTO flows_step (enrollment_id, visit, entered_on, flow_id, version_id, contact_id, node, kind, port, next, saw, at)
SELECT id, visit, entered_on, %(flow)s, %(old)s, contact_id, %(node)s, %(kind)s, 'moved', %(to)s, '{"moved": true}', %(at)s
FROM put
"""


def _take_waits(kind: str, params: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Let those who wait at a step go by the new version's settings of it from now on."""
    if kind == "wait":
        _take_length(params, old, new)
    elif kind == "wait_for":
        _take_timeout(params, new)
    elif kind in LOOK_AGAIN:
        _execute(_AGAIN, params)


def _take_timeout(params: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Let time be up so long after each came as the new version says, and let each look again now."""
    length = Duration.parse(new["timeout"]) if (timeout := new.get("timeout", "7d")) else None
    ids = [row[0] for row in select(_STANDING, params)]
    came = asking.last_steps(ids) if ids else {}
    ends = [length.after(came.get(pk, params["at"])) if length and timeout else None for pk in ids]
    select(_UNTIL, [params["at"], ids, ends])


LOOK_AGAIN = ("wait_until", "time_window", "rate_limit")  # who waits there reckons anew by itself when looked at
_STANDING = """
SELECT id FROM flows_enrollment
WHERE flow_id = %(flow)s AND version_id = %(old)s AND node = %(node)s AND status = 'active' AND waiting
"""
_AGAIN = """
UPDATE flows_enrollment SET due_at = %(at)s, until_at = NULL
WHERE flow_id = %(flow)s AND version_id = %(old)s AND node = %(node)s AND status = 'active' AND waiting
"""
_UNTIL = """
UPDATE flows_enrollment AS e SET due_at = %s, until_at = d.ends
FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(id, ends) WHERE e.id = d.id RETURNING e.id
"""


def _take_intervals(flow: Flow, old: Version | None, nodes: Mapping[str, Mapping[str, Any]], at: datetime) -> None:
    """Let what contacts do after an A/B test count as long as the new version says, for those whose time is not over."""
    for key, (_, new) in _tests(old, nodes).items():
        length = Duration.parse(new.get("within", "7d"))
        rows = select(_OPEN, [flow.pk, key, at])
        select(_COUNTS_UNTIL, [[pk for pk, _ in rows], [length.after(began) for _, began in rows], flow.pk, key])


_OPEN = "SELECT contact_id, at FROM flows_trial WHERE flow_id = %s AND node = %s AND won_at IS NULL AND until > %s"
_COUNTS_UNTIL = """
UPDATE flows_trial AS t SET until = d.until FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(id, until)
WHERE t.flow_id = %s AND t.node = %s AND t.contact_id = d.id RETURNING t.contact_id
"""


def _tests(
    old: Version | None, nodes: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the A/B tests whose interval differs: node → old and new settings."""
    found = {}
    for one in old.graph["nodes"] if old else ():
        new = nodes.get(one["id"], {})
        if one["kind"] == "ab_test" == new.get("kind") and one["settings"].get("within") != new["settings"].get(
            "within"
        ):
            found[one["id"]] = (one["settings"], new["settings"])
    return found


def _take_length(params: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Let waits under way last as long as the new version says, from when each began (rule 5)."""
    was, is_now = (Duration.parse(one["duration"]) for one in (old, new))
    if was == is_now:
        return
    rows = select(_WAITING, params)
    moved = [(pk, is_now.after(was.before(due))) for pk, due in rows]
    select(_DUE, [[pk for pk, _ in moved], [due for _, due in moved]])


_WAITING = """
SELECT id, due_at FROM flows_enrollment
WHERE flow_id = %(flow)s AND version_id = %(old)s AND node = %(node)s AND status = 'active' AND waiting AND clock = 'elapsed'
"""
_DUE = """
UPDATE flows_enrollment AS e SET due_at = d.due FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(id, due)
WHERE e.id = d.id RETURNING e.id
"""


def _execute(sql: str, params: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def changed_waits(
    inside: Iterable[Group], old: Version | None, nodes: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[str, str]]:
    """Return the steps with somebody waiting that wait otherwise in these nodes: node → as it was, and as it becomes."""
    found: dict[str, tuple[str, str]] = {}
    for group in inside:
        new = nodes.get(group.node, {})
        if group.kind in WAITING and group.kind == new.get("kind"):
            said = _said(group.kind, group.settings), _said(group.kind, new["settings"])
            found |= {group.node: said} if said[0] != said[1] else {}
    for key, (was, becomes) in _tests(old, nodes).items():
        found[key] = (was.get("within", "7d"), becomes.get("within", "7d"))
    return found


WAITING = ("wait", "wait_for", "approval", *LOOK_AGAIN)


def _said(kind: str, settings: Mapping[str, Any]) -> str:
    """Say a wait: its length, or what it waits for in words."""
    if kind == "wait":
        return str(settings.get("duration", ""))
    known = KINDS.get(kind)
    return known.words(known.read(settings)) if known else ""
