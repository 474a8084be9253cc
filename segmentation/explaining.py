"""Why a contact is in a segment or not: every condition with its answer, and when the whole answer turns by itself."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contacts.models import Contact, Event, ListMember
from segmentation.actuals import FEW_EVENTS, Actual, actuals
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.conditions import Condition
from segmentation.conditions.event import EventCondition
from segmentation.conditions.list import ListCondition
from segmentation.conditions.segment import SegmentCondition
from segmentation.criteria import Criteria, Node, node_words
from segmentation.foresight import flip, inlined
from segmentation.models import Membership, Segment, Transition
from segmentation.rules import Saved, remembered
from segmentation.times import TICK
from workspace.origins import Origin, origins

MOST_NESTED = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """An event that counts."""

    id: int
    name: str
    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one condition or group, with all that stands in it."""

    path: str
    kind: str  # AND, OR, or the type of the condition
    negate: bool
    holds: bool
    words: str
    found: object = None
    said: str = ""  # what was found, in words
    events: Sequence[Counted] = ()
    more: bool = False  # whether more events count than are named
    parts: Sequence["Answer"] = ()
    nested: "Explanation | None" = None
    by: Origin | None = None  # whose doing it is that the contact is on a list

    @property
    def is_group(self) -> bool:
        """Tell a group from a condition."""
        return bool(self.parts)


@dataclass(frozen=True, slots=True)
class Cause:
    """What turns the answer: a condition, and the event that ages out of it or begins to count in it."""

    words: str
    becomes: bool
    event: Counted | None = None
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """When the whole answer will be another one if nothing more happens."""

    at: datetime
    becomes: bool
    causes: Sequence[Cause]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one contact is in one segment, or is not."""

    at: datetime
    holds: bool
    root: Answer | None = None  # None: a static segment
    turn: Turn | None = None
    segment: Segment | None = None
    since: datetime | None = None  # since when it is a member
    last: Transition | None = None
    by: Origin | None = None  # by whose doing it came or went last

    @property
    def inside(self) -> bool:
        """Tell whether it is a member as things are written down."""
        return self.since is not None

    @property
    def behind(self) -> bool:
        """Tell whether what is written down has yet to follow."""
        return self.segment is not None and self.root is not None and self.inside != self.holds


def explain(segment: Segment, contact: Contact, at: datetime, catalogue: Catalogue | None = None) -> Explanation:
    """Say why a contact is in a segment or not at an instant, and until when."""
    return explain_all([segment], contact, at, catalogue)[0]


def explain_all(
    segments: Sequence[Segment], contact: Contact, at: datetime, catalogue: Catalogue | None = None
) -> list[Explanation]:
    """Explain one contact in several segments."""
    catalogue = catalogue or load_catalogue()
    facts = _facts([one.pk for one in segments], contact)
    return [_of_segment(one, contact, at, catalogue, facts, foresee=True, seen=frozenset()) for one in segments]


def explain_criteria(
    criteria: Criteria, contact: Contact, at: datetime, catalogue: Catalogue, *, foresee: bool = True
) -> Explanation:
    """Say what criteria answer about a contact, and why."""
    root = _tree(criteria, contact, at, catalogue, frozenset())
    holds = root.holds and contact.alive
    turn = _turn(criteria, contact, at, catalogue) if foresee and contact.alive else None
    return Explanation(at, holds, root, turn)


Facts = Mapping[int, tuple[datetime | None, Transition | None, Origin | None]]


def _facts(segments: Collection[int], contact: Contact) -> Facts:
    """Return, by segment, since when the contact is a member, its last move there, and by whose doing that was."""
    since = dict(Membership.objects.filter(contact=contact, segment__in=segments).values_list("segment_id", "since"))
    moves = Transition.objects.filter(contact=contact, segment__in=segments)
    last = {one.segment_id: one for one in moves.order_by("segment", "-seq").distinct("segment")}
    by = origins(one.origin for one in last.values())
    return {pk: (since.get(pk), last.get(pk), by.get(last[pk].origin) if pk in last else None) for pk in segments}


def _of_segment(
    segment: Segment,
    contact: Contact,
    at: datetime,
    catalogue: Catalogue,
    facts: Facts,
    *,
    foresee: bool,
    seen: frozenset[str],
) -> Explanation:
    since, last, by = facts[segment.pk]
    if segment.rule is None:
        return Explanation(at, since is not None, None, None, segment, since, last, by)
    criteria = remembered(Saved(segment.rule.digest, segment.rule.document))
    root = _tree(criteria, contact, at, catalogue, seen | {segment.slug})
    looked = foresee and contact.alive and segment.archived_at is None
    turn = _turn(criteria, contact, at, catalogue) if looked else None
    return Explanation(at, root.holds and contact.alive, root, turn, segment, since, last, by)


# The tree ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the answers of a tree: events, the segments below, whose doing a list entry is, the zone."""

    found: Mapping[str, Actual]
    events: Mapping[int, Counted]
    below: Mapping[str, Explanation]
    put: Mapping[str, Origin]
    zone: str


def _tree(criteria: Criteria, contact: Contact, at: datetime, catalogue: Catalogue, seen: frozenset[str]) -> Answer:
    found = {one.path: one for one in actuals(criteria, contact.pk, at, catalogue)}
    counted = _events({event.id for one in found.values() for event in one.events}, contact)
    below = _below(found.values(), contact, at, catalogue, seen)
    return _answer(criteria.root, "", _Beside(found, counted, below, _put(found.values(), contact), catalogue.zone))


def _answer(node: Node, path: str, beside: _Beside) -> Answer:
    if isinstance(node, Condition):
        return _leaf(node, path, beside)
    parts = [
        _answer(one, f"{path}.conditions[{n}]" if path else f"conditions[{n}]", beside)
        for n, one in enumerate(node.conditions)
    ]
    holds = (all if node.operator == "AND" else any)(part.holds for part in parts)
    return Answer(path, node.operator, node.negate, holds != node.negate, node_words(node), parts=parts)


def _leaf(leaf: Condition, path: str, beside: _Beside) -> Answer:
    actual = beside.found[path]
    named = [beside.events[one.id] for one in actual.events if one.id in beside.events]
    by = beside.put.get(leaf.list) if isinstance(leaf, ListCondition) else None
    said = readable(actual.words, beside.zone)
    return Answer(
        path,
        leaf.type,
        leaf.negate,
        actual.holds,
        node_words(leaf),
        actual.found,
        f"{said}, put there by {by.words}" if by else said,
        named,
        len(named) >= FEW_EVENTS,
        nested=beside.below.get(leaf.segment) if isinstance(leaf, SegmentCondition) else None,
        by=by,
    )


def _put(found: Collection[Actual], contact: Contact) -> dict[str, Origin]:
    """Return, by list that conditions ask about, whose doing it is that the contact is on it."""
    slugs = {one.condition.list for one in found if isinstance(one.condition, ListCondition)}
    if not slugs:
        return {}
    rows = ListMember.objects.filter(contact=contact, list__slug__in=slugs).exclude(origin="")
    noted = dict(rows.values_list("list__slug", "origin"))
    named = origins(noted.values())
    return {slug: named[ref] for slug, ref in noted.items()}


def _events(ids: Collection[int], contact: Contact) -> dict[int, Counted]:
    rows = Event.objects.filter(contact=contact, pk__in=ids).values_list("pk", "name__name", "at", "value")
    return {pk: Counted(pk, name, at, None if value is None else float(value)) for pk, name, at, value in rows}


def _below(
    found: Collection[Actual], contact: Contact, at: datetime, catalogue: Catalogue, seen: frozenset[str]
) -> dict[str, Explanation]:
    """Explain the segments that conditions ask about, down to the ground."""
    slugs = {one.condition.segment for one in found if isinstance(one.condition, SegmentCondition)} - seen
    if not slugs or len(seen) > MOST_NESTED:
        return {}
    segments = list(Segment.objects.filter(slug__in=slugs).select_related("rule"))
    facts = _facts([one.pk for one in segments], contact)
    every = seen | slugs
    return {one.slug: _of_segment(one, contact, at, catalogue, facts, foresee=False, seen=every) for one in segments}


# What will turn it ------------------------------------------------------------------------------------------------


def _turn(criteria: Criteria, contact: Contact, at: datetime, catalogue: Catalogue) -> Turn | None:
    when = flip(criteria, contact, at, catalogue)
    if when is None:
        return None
    whole = inlined(criteria, catalogue)
    before = {one.path: one for one in actuals(whole, contact.pk, when - TICK, catalogue)}
    after = {one.path: one for one in actuals(whole, contact.pk, when, catalogue)}
    turned = [(before[path], after[path]) for path in after if before[path].holds != after[path].holds]
    ids = {event.id for pair in turned for one in pair for event in one.events}
    events = _events(ids, contact)
    causes = [_cause(*pair, events) or _aged(pair[1], contact, when) for pair in turned]
    return Turn(when, _holds(whole.root, after), causes)


def _holds(node: Node, found: Mapping[str, Actual], path: str = "") -> bool:
    if isinstance(node, Condition):
        return found[path].holds
    parts = [
        _holds(one, found, f"{path}.conditions[{n}]" if path else f"conditions[{n}]")
        for n, one in enumerate(node.conditions)
    ]
    return (all if node.operator == "AND" else any)(parts) != node.negate


def _cause(before: Actual, after: Actual, events: Mapping[int, Counted]) -> Cause | None:
    """Name the event that counted no more, or for the first time; None when none of the named ones did."""
    words = node_words(after.condition)
    was, will = ({event.id for event in one.events} for one in (before, after))
    if gone := was - will:
        return Cause(words, after.holds, events.get(min(gone)), leaves=True)
    return Cause(words, after.holds, events.get(min(will - was))) if will - was else None


def _aged(after: Actual, contact: Contact, when: datetime) -> Cause:
    """Name the event that went out of the window just then, where so many count that it was not among the named ones."""
    leaf, found = after.condition, None
    if isinstance(leaf, EventCondition) and leaf.window and leaf.window.step:
        at = leaf.window.step.before(when)
        found = Event.objects.filter(contact=contact, name__name=leaf.event_name, at=at).order_by("pk").first()
    counted = _events([found.pk], contact).get(found.pk) if found else None
    return Cause(node_words(leaf), after.holds, counted, leaves=counted is not None)


_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")


def readable(said: str, zone: str) -> str:
    """Write the instants in a sentence as people of the house do."""

    def written(match: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(match[0]).astimezone(ZoneInfo(zone)):%-d %B %Y, %H:%M}"

    return _INSTANT.sub(written, said)
