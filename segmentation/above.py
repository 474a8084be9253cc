"""What other criteria of one segment would do to the segments that stand on it, before they are saved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, OuterRef

from contacts.models import Contact
from segmentation.catalogue import Catalogue
from segmentation.compiler import q
from segmentation.conditions.segment import SegmentCondition
from segmentation.criteria import Criteria, Group, Node
from segmentation.hearing import Moved
from segmentation.models import Membership, Segment
from segmentation.rules import Saved, remembered
from segmentation.windows import Window


def moved_above(segment: Segment, criteria: Criteria, at: datetime, catalogue: Catalogue) -> Iterator[Moved]:
    """Yield the segments that stand on this one, each with who would join and leave it; nobody is counted here."""
    found = _above(segment.slug, catalogue)
    rules = {one.slug: remembered(Saved(one.rule.digest, one.rule.document)) for one in found if one.rule}
    trees = {segment.slug: criteria.root, **{slug: rule.root for slug, rule in rules.items()}}
    instead = _Instead(trees, at)
    for one in found:
        whole = replace(rules[one.slug], root=instead.of(rules[one.slug].root))
        fits = q(whole, at=at, catalogue=catalogue)
        member = Exists(Membership.objects.filter(segment=one.pk, contact=OuterRef("pk")))
        joins = Contact.objects.filter(fits).exclude(member)
        leaves = Contact.objects.filter(member).exclude(pk__in=Contact.objects.filter(fits).values("pk"))
        yield Moved(one.slug, joins, leaves, via=one.name, muted=one.muted)


def _above(slug: str, catalogue: Catalogue) -> list[Segment]:
    """Return the segments that are evaluated and stand on this one, over however many others that are."""
    reads = catalogue.segment_reads
    evaluated = {
        one.slug: one for one in Segment.objects.filter(archived_at=None).exclude(rule=None).select_related("rule")
    }
    found: dict[str, Segment] = {}
    waiting = [slug]
    while waiting:
        below = waiting.pop()
        new = [one for one in evaluated if below in reads.get(one, ()) and one not in found and one != slug]
        found |= {one: evaluated[one] for one in new}
        waiting += new
    return sorted(found.values(), key=lambda one: (one.depth, one.name))


@dataclass(frozen=True, slots=True)
class _Instead:
    """What stands in the place of what is asked of segments whose members would be others."""

    trees: Mapping[str, Node]  # slug → its criteria as they would be
    at: datetime

    def of(self, node: Node) -> Node:
        """Return a part of criteria with what it asks of those segments answered as it would be."""
        if isinstance(node, Group):
            return replace(node, conditions=tuple(self.of(one) for one in node.conditions))
        if not isinstance(node, SegmentCondition) or node.segment not in self.trees:
            return node
        would, asked = self.of(self.trees[node.segment]), node.model_copy(update={"negate": False})
        if node.membership == "now":  # for so long: would be a member, and has been one
            return Group("AND", node.negate, (would, asked) if node.for_ else (would,))
        return Group("OR", node.negate, (asked, *self._move(asked, would)))

    def _move(self, asked: SegmentCondition, would: Node) -> Iterator[Node]:
        """Yield who would enter, or leave, at this instant, where such a move would count."""
        bounds = (asked.window or Window()).bounds(self.at)
        if bounds.high < self.at or (bounds.low is not None and bounds.low > self.at):
            return
        stands = asked.model_copy(update={"membership": "now", "window": None})
        came, went = (would, Group("AND", True, (stands,))), (Group("AND", True, (would,)), stands)
        yield Group("AND", False, went if asked.membership == "left" else came)
