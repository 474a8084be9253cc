"""What will become of one contact's answer if nothing more happens: when it may change, and when it will.

`moments(criteria, contact, at, catalogue)` are the instants at which some condition of the tree may turn by itself;
`flip(...)` asks the tree itself at each of them and returns the first at which the whole answer is another.
A segment that the criteria stand on counts as its own criteria would have it (`inlined`), so that its turning is seen too.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection

from contacts.models import Contact
from segmentation.catalogue import Catalogue
from segmentation.compiler import ALIVE, render
from segmentation.conditions import Condition
from segmentation.conditions.segment import SegmentCondition
from segmentation.criteria import Criteria, Group, Node, leaves
from segmentation.known import Known
from segmentation.measures import Scene
from segmentation.models import Segment
from segmentation.rules import Saved, remembered
from segmentation.sql import join, sql

HORIZON = timedelta(days=366)
MOST = 200
ASKED_AT_ONCE = 120  # conditions in one statement


def moments(criteria: Criteria, contact: Contact, at: datetime, catalogue: Catalogue) -> list[datetime]:
    """Return the next instants after `at` at which an answer of the tree may change by itself, the nearest first."""
    known = Known(contact, at, catalogue)
    found = {one for leaf in leaves(criteria.root) for one in leaf.moments(known, at)}
    return heapq.nsmallest(MOST, (one for one in found if at < one <= at + HORIZON))


def flip(criteria: Criteria, contact: Contact, at: datetime, catalogue: Catalogue) -> datetime | None:
    """Return when the whole answer will be another one if nothing more happens; None within the horizon."""
    whole = inlined(criteria, catalogue)
    (now,) = _holds(whole, contact, [at], catalogue)
    for some in _batches(moments(whole, contact, at, catalogue), whole):
        for moment, holds in zip(some, _holds(whole, contact, some, catalogue), strict=True):
            if holds != now:
                return moment
    return None


def _batches(every: list[datetime], whole: Criteria) -> Iterator[list[datetime]]:
    """Cut moments into batches that grow: most answers turn at once, and a statement asks a bounded number of things."""
    most = max(1, ASKED_AT_ONCE // len(list(leaves(whole.root))))
    size = 2
    while every:
        size = min(size * 2, most)
        yield every[:size]
        every = every[size:]


def _holds(criteria: Criteria, contact: Contact, instants: list[datetime], catalogue: Catalogue) -> list[bool]:
    """Ask the tree at each of these instants, in one statement."""
    among = sql("{ids}::bigint[]", ids=[contact.pk])
    answers = [
        sql("({x}) IS TRUE", x=render(criteria.root, Scene(at=one, catalogue=catalogue, among=among)))
        for one in instants
    ]
    statement = sql(
        "SELECT {answers} FROM contacts_contact c WHERE c.id = {id}::bigint AND {alive}",
        answers=join(", ", answers),
        id=contact.pk,
        alive=ALIVE,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return list(cursor.fetchone() or [False] * len(instants))


def inlined(criteria: Criteria, catalogue: Catalogue) -> Criteria:
    """Return criteria that stand on no other dynamic segment: what those ask stands in their place."""
    slugs = set(_below(criteria, catalogue))
    rows = Segment.objects.filter(slug__in=slugs, archived_at=None).exclude(rule=None)
    trees = {
        slug: remembered(Saved(digest, document)).root
        for slug, digest, document in rows.values_list("slug", "rule__digest", "rule__document")
    }
    return replace(criteria, root=_inline(criteria.root, trees)) if trees else criteria


def _below(criteria: Criteria, catalogue: Catalogue) -> Iterator[str]:
    """Yield the segments below, to the ground."""
    waiting = [leaf.segment for leaf in leaves(criteria.root) if isinstance(leaf, SegmentCondition)]
    seen: set[str] = set()
    while waiting:
        slug = waiting.pop()
        if slug not in seen:
            seen.add(slug)
            yield slug
            waiting += catalogue.segment_reads.get(slug, ())


def _inline(node: Node, trees: Mapping[str, Node]) -> Node:
    if isinstance(node, Group):
        return replace(node, conditions=tuple(_inline(one, trees) for one in node.conditions))
    if not isinstance(node, SegmentCondition) or node.membership != "now" or node.segment not in trees:
        return node
    parts: tuple[Node, ...] = (_inline(trees[node.segment], trees),)
    if node.for_:  # a member for so long, and still one
        parts = (*parts, _plain(node))
    return Group("AND", node.negate, parts)


def _plain(node: Condition) -> Condition:
    return node.model_copy(update={"negate": False})
