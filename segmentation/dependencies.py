"""Which segments stand on which: circles are refused, and the deeper ones are looked at first."""

from collections.abc import Iterable, Sequence

from segmentation.catalogue import slugs_read
from segmentation.criteria import MAX_DEPTH
from segmentation.models import Segment
from workspace.problems import refuse


def below(reads: Sequence[str]) -> tuple[str, ...]:
    """Return the segments that criteria stand on directly."""
    return slugs_read(list(reads))


def uses(reads: Sequence[str]) -> set[str]:
    """Return the segments, lists and flows that criteria use."""
    return {fact for fact in reads if fact.startswith(("segment:", "list:", "flow:"))}


def refuse_circle(slug: str, below: Iterable[str]) -> None:
    """Refuse criteria that come back to their own segment, with the circle spelled out."""
    graph = _graph()
    waiting: list[tuple[str, ...]] = [(slug, one) for one in below]
    seen: set[str] = set()
    while waiting:
        *path, last = waiting.pop()
        if last == slug:
            circle = " → ".join([*path, last])
            raise refuse("criteria", f"The segments would stand on one another in a circle: {circle}.")
        if last not in seen:
            seen.add(last)
            waiting += [(*path, last, one) for one in graph.get(last, ())]


def depth_above(below: Iterable[str]) -> int:
    """Return the depth of a segment that stands on these; refuse a tower that is too high."""
    depths = Segment.objects.filter(slug__in=list(below)).values_list("depth", flat=True)
    depth = 1 + max(depths, default=-1)
    if depth > MAX_DEPTH:
        raise refuse("criteria", f"Segments stand on one another more than {MAX_DEPTH} deep.")
    return depth


def deepen(segment: Segment) -> None:
    """Bring the depths of the segments above to what stands below them now."""
    graph = _graph()
    depths = dict(Segment.objects.values_list("slug", "depth"))
    depths[segment.slug] = segment.depth
    changed = {segment.slug}
    while changed:
        above = {slug for slug, stands_on in graph.items() if slug != segment.slug and changed & set(stands_on)}
        changed = set()
        for slug in above:
            depth = 1 + max(depths.get(one, 0) for one in graph[slug])
            if depth != depths[slug]:
                depths[slug] = depth
                changed.add(slug)
                if depth > MAX_DEPTH:
                    raise refuse("criteria", f"“{slug}” would stand on other segments more than {MAX_DEPTH} deep.")
                Segment.objects.filter(slug=slug).update(depth=depth)


def _graph() -> dict[str, tuple[str, ...]]:
    rows = Segment.objects.exclude(rule=None).values_list("slug", "rule__reads")
    return {slug: slugs_read(reads) for slug, reads in rows}
