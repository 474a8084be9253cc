"""What a condition asks, as a value: the compiler makes the set, scoped and shared forms of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from segmentation.catalogue import Catalogue
from segmentation.sql import Sql, sql


@dataclass(frozen=True)
class Scene:
    """Where a measure is rendered: at which instant, by which catalogue, over which contacts."""

    at: datetime
    catalogue: Catalogue
    contact: Sql = field(default_factory=lambda: Sql("c"))  # our own name for the contact's row
    among: Sql | None = None  # an array of contact ids, pushed into every subquery (the scoped form)

    def scope(self, column: str) -> Sql:
        """Limit a subquery to the contacts that are asked about."""
        return sql(f" AND {column} = ANY({{ids}})", ids=self.among) if self.among else Sql("")

    def zone(self, contact: Sql | None = None) -> Sql:
        """Render the contact's zone, else the house's."""
        row = contact or self.contact
        return sql("tributary_zone({c}.timezone, {house}::text)", c=row, house=self.catalogue.zone)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Something about a contact that holds or not; `complement` turns it round (no value is no, so it then holds)."""

    complement: bool = False


@dataclass(frozen=True, kw_only=True)
class Test(Measure):
    """A comparison on the contact's own row."""

    where: Sql


@dataclass(frozen=True, kw_only=True)
class Picked(Measure):
    """The contacts that a subquery of contact ids picks."""

    select: Sql


@dataclass(frozen=True, kw_only=True)
class Counted(Measure):
    """An aggregate over a contact's events of one name, in a window, through a filter, compared with a number.

    `aggregate` and `having` speak of the events as `e`; `zero` says that no events at all satisfy the comparison.
    """

    name_id: int
    window: Sql  # of e.at, always with an upper bound
    since: datetime | None  # no event before this counts
    filter: Sql | None
    aggregate: Sql
    over_nothing: bool  # whether the aggregate of no events is 0 rather than no value
    operator: str
    value: Any
    zero: bool
    zoned: bool = False  # whether the aggregate needs the contact's zone, as `z`
    exists: bool = False  # whether one event is enough
