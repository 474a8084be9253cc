"""How segments overlap: how many contacts are in each combination of up to four of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db import connection

from segmentation.models import Segment
from workspace.problems import refuse

MOST = 4


@dataclass(frozen=True, slots=True)
class Region:
    """The contacts in every one of these segments: those in none of the others, and all of them."""

    inside: tuple[Segment, ...]
    only: int
    all: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """All combinations of some segments, from each alone to all together."""

    segments: tuple[Segment, ...]
    regions: tuple[Region, ...]

    @property
    def any(self) -> int:
        """Return how many contacts are in at least one."""
        return sum(region.only for region in self.regions)


_MASKS = """
SELECT mask, count(*) FROM (
    SELECT bit_or(1 << (w.number - 1)::int) AS mask
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS w(segment_id, number)
    JOIN segmentation_membership m ON m.segment_id = w.segment_id
    GROUP BY m.contact_id
) each GROUP BY mask
"""


def overlap(segments: Sequence[Segment]) -> Overlap:
    """Count the contacts of every combination in one look; refuse fewer than two segments or more than four."""
    chosen = tuple({one.pk: one for one in segments}.values())
    if not 2 <= len(chosen) <= MOST:
        raise refuse("segments", f"Name two to {MOST} different segments.")
    with connection.cursor() as cursor:
        cursor.execute(_MASKS, [[one.pk for one in chosen]])
        counted: dict[int, int] = dict(cursor.fetchall())
    return Overlap(chosen, tuple(_region(chosen, some, counted) for some in _combinations(len(chosen))))


def _combinations(many: int) -> list[tuple[int, ...]]:
    return [some for size in range(1, many + 1) for some in combinations(range(many), size)]


def _region(chosen: Sequence[Segment], some: Sequence[int], counted: dict[int, int]) -> Region:
    mask = sum(1 << index for index in some)
    everyone = sum(count for other, count in counted.items() if other & mask == mask)
    return Region(tuple(chosen[index] for index in some), counted.get(mask, 0), everyone)
