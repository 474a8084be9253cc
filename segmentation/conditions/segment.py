"""SEGMENT: is, was or came to be in another segment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from contacts.labels import name_of
from segmentation import turns
from segmentation.catalogue import Catalogue
from segmentation.conditions.base import Condition
from segmentation.given import Given, since_faults
from segmentation.known import Known
from segmentation.measures import Picked, Scene
from segmentation.sql import Sql, both, sql
from segmentation.times import TICK, swept
from segmentation.windows import Bounds, Window
from workspace.durations import Duration
from workspace.problems import Fault

NOT_BY_MERGING = Sql("t.cause <> 'merged'")  # whoever was merged into another has not left: the winner goes on
_STAYED = (
    "SELECT x.contact_id FROM segmentation_membership x WHERE x.segment_id = {id}::bigint"
    " AND x.since > {low}::timestamptz AND x.since <= {high}::timestamptz"
)
_MOVED = (
    "SELECT coalesce(o.merged_into_id, x.contact_id) AS contact_id FROM segmentation_transition x"
    " JOIN contacts_contact o ON o.id = x.contact_id WHERE x.segment_id = {id}::bigint"
    " AND x.at > {low}::timestamptz AND x.at <= {high}::timestamptz"
)


class SegmentCondition(Condition):
    """Is in another segment now, entered or left it, or was ever in it."""

    label: ClassVar[str] = "Segment"
    example: ClassVar[dict[str, object]] = {"type": "SEGMENT", "segment": "vip"}

    type: Literal["SEGMENT"]
    segment: str = Field(max_length=63, description="The segment's slug.")
    membership: Literal["now", "entered", "left", "ever"] = "now"
    window: Window | None = None
    for_: str | None = Field(None, alias="for", description="Member for at least this long, such as 7d.")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        if self.segment not in catalogue.segment_ids:
            yield Fault(f"{path}.segment", f'There is no segment "{self.segment}". Make it first, or name another.')
        if self.window is not None and self.membership == "now":
            yield Fault(f"{path}.window", 'A window goes with membership "entered", "left" or "ever".')
        elif self.window is not None:
            yield from self.window.faults(f"{path}.window")
            yield from since_faults(self.window, catalogue, f"{path}.window")
        if self.for_ is not None:
            yield from self._for_faults(path)

    def _for_faults(self, path: str) -> Iterator[Fault]:
        if self.membership != "now":
            yield Fault(f"{path}.for", '"for" goes with membership "now".')
        try:
            Duration.parse(self.for_)
        except ValueError as error:
            yield Fault(f"{path}.for", str(error))

    def speaks_of(self) -> Iterator[str]:
        if self.window and self.window.since:
            yield self.window.since

    def given(self, given: Given) -> Self:
        return self.model_copy(update={"window": given.window(self.window)})

    def measure(self, scene: Scene) -> Picked:
        segment = scene.catalogue.segment_ids.get(self.segment, 0)
        if self.membership == "now":
            since = Sql("")
            if self.for_:
                since = sql(" AND m.since <= {at}::timestamptz", at=Duration.parse(self.for_).before(scene.at))
            return Picked(
                select=sql(
                    "SELECT m.contact_id FROM segmentation_membership m WHERE m.segment_id = {id}::bigint{since}{scope}",
                    id=segment,
                    since=since,
                    scope=scene.scope("m.contact_id"),
                )
            )
        return Picked(select=self._transitions(scene, segment))

    def _transitions(self, scene: Scene, segment: int) -> Sql:
        """Render whose transitions count: their own, and those of whoever was merged into them."""
        own = self._of(scene, segment, "t.contact_id", Sql(""))
        lost = Sql(" JOIN contacts_contact o ON o.id = t.contact_id AND o.merged_into_id IS NOT NULL")
        return sql("{own} UNION ALL {lost}", own=own, lost=self._of(scene, segment, "o.merged_into_id", lost))

    def _of(self, scene: Scene, segment: int, owner: str, lost: Sql) -> Sql:
        bounds = self._bounds(scene)
        when = self._when(bounds, scene.zone(Sql("z")), scene.at)
        return sql(
            f"SELECT {owner} FROM segmentation_transition t{{lost}}{{zone}}"  # noqa: S608 - one of two columns
            " WHERE t.segment_id = {id}::bigint AND {when}{scope}",
            lost=lost,
            zone=Sql(f" JOIN contacts_contact z ON z.id = {owner}" if bounds.by_day else ""),
            id=segment,
            when=both(when, NOT_BY_MERGING) if lost.text and self.membership == "left" else when,
            scope=scene.scope(owner),
        )

    def _bounds(self, scene: Scene) -> Bounds:
        return (self.window or Window()).bounds(scene.at)

    def _when(self, bounds: Bounds, zone: Sql, at: datetime) -> Sql:
        """Say which transitions count: in the window or, for `ever`, the entries of stays that reach into it."""
        kind = sql("t.kind = {kind}", kind=self._kind)
        begins = bounds.after("stay.last", zone)
        if self.membership != "ever" or begins is None:
            return both(kind, bounds.where("t.at", zone))
        reaches = sql(
            "EXISTS (SELECT 1 FROM (SELECT coalesce((SELECT x.at - interval '1 microsecond'"
            " FROM segmentation_transition x WHERE x.segment_id = t.segment_id AND x.contact_id = t.contact_id"
            " AND x.seq = t.seq + 1 AND x.at <= {at}::timestamptz), {at}::timestamptz) AS last) stay"
            " WHERE stay.last >= t.at AND {begins})",
            at=at,
            begins=begins,
        )
        return both(kind, bounds.until("t.at", zone), reaches)

    def found(self, scene: Scene) -> Sql:
        segment = scene.catalogue.segment_ids.get(self.segment, 0)
        if self.membership == "now":
            return sql(
                "SELECT to_jsonb(m.since) FROM segmentation_membership m"
                " WHERE m.segment_id = {id}::bigint AND m.contact_id = {c}.id",
                id=segment,
                c=scene.contact,
            )
        return sql(
            "SELECT to_jsonb(max(t.at)) FROM segmentation_transition t WHERE t.segment_id = {id}::bigint"
            " AND t.contact_id IN (SELECT o.id FROM contacts_contact o WHERE o.id = {c}.id OR o.merged_into_id = {c}.id)"
            " AND {when}{left}",
            id=segment,
            c=scene.contact,
            when=self._when(self._bounds(scene), scene.zone(), scene.at),
            left=sql(" AND (t.contact_id = {c}.id OR {other})", c=scene.contact, other=NOT_BY_MERGING)
            if self.membership == "left"
            else Sql(""),
        )

    def told(self, found: Any) -> str:
        name = f"the segment “{name_of('segment', self.segment)}”"
        if self.membership == "now":
            return f"in {name} since {found}" if found else f"not in {name}"
        verb = "left" if self.membership == "left" else "entered"
        within = f" {self.window.words()}" if self.window else ""
        return f"{verb} {name} last at {found}" if found else f"never {verb} {name}{within}"

    def reads(self) -> Iterator[str]:
        yield f"segment:{self.segment}"
        if self.window and self.window.by_day:
            yield "attribute:timezone"

    @property
    def clock(self) -> bool:
        return bool(self.for_ or (self.window and self.window.clock))

    def edges(self, scene: Scene, since: datetime, until: datetime) -> Iterator[Sql]:
        step = Duration.parse(self.for_) if self.for_ else self.window.step if self.window else None
        if step is None:
            return
        low, high = swept(step, since, until, ahead=False)
        high += TICK if self.membership == "ever" else timedelta()  # the last instant of a stay is before its end
        swept_by = {"id": scene.catalogue.segment_ids.get(self.segment, 0), "low": low, "high": high}
        yield sql(_STAYED if self.for_ else _MOVED, **swept_by)

    def moments(self, known: Known, after: datetime) -> Iterator[datetime]:
        if self.for_:
            since = known.since(self.segment)
            yield from turns.of_window(Duration.parse(self.for_), since, after) if since else ()
        elif self.window and self.window.step:
            for moved in known.transitions(self.segment):
                for instant in (moved, moved - TICK):  # the last instant of a stay is before its end
                    yield from turns.of_window(self.window.step, instant, after)

    @property
    def _kind(self) -> str:
        return "exited" if self.membership == "left" else "entered"

    def words(self) -> str:
        name = f"the segment “{name_of('segment', self.segment)}”"
        if self.membership == "now":
            long = f" for at least {Duration.parse(self.for_).words()}" if self.for_ else ""
            return f"is in {name}{long}"
        verb = {"entered": "entered", "left": "left", "ever": "was ever in"}[self.membership]
        return f"{verb} {name}{f' {self.window.words()}' if self.window else ''}"
