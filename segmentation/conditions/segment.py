"""SEGMENT: is, was or came to be in another segment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from segmentation import turns
from segmentation.catalogue import Catalogue
from segmentation.conditions.base import Condition
from segmentation.known import Known
from segmentation.measures import Picked, Scene
from segmentation.sql import Sql, sql
from segmentation.times import swept
from segmentation.windows import Window
from workspace.durations import Duration
from workspace.problems import Fault


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
        if self.window is not None and self.membership in ("now", "ever"):
            yield Fault(f"{path}.window", 'A window goes with membership "entered" or "left".')
        elif self.window is not None:
            yield from self.window.faults(f"{path}.window")
        if self.for_ is not None:
            yield from self._for_faults(path)

    def _for_faults(self, path: str) -> Iterator[Fault]:
        if self.membership != "now":
            yield Fault(f"{path}.for", '"for" goes with membership "now".')
        try:
            Duration.parse(self.for_)
        except ValueError as error:
            yield Fault(f"{path}.for", str(error))

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
        window = self.window or Window()
        return sql(
            "SELECT t.contact_id FROM segmentation_transition t"
            " WHERE t.segment_id = {id}::bigint AND t.kind = {kind} AND {window}{scope}",
            id=segment,
            kind=self._kind,
            window=window.bounds(scene.at, scene.catalogue.zone).where("t.at"),
            scope=scene.scope("t.contact_id"),
        )

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
            "SELECT to_jsonb(max(t.at)) FROM segmentation_transition t"
            " WHERE t.segment_id = {id}::bigint AND t.contact_id = {c}.id AND t.kind = {kind} AND {window}",
            id=segment,
            c=scene.contact,
            kind=self._kind,
            window=(self.window or Window()).bounds(scene.at, scene.catalogue.zone).where("t.at"),
        )

    def told(self, found: Any) -> str:
        name = f"the segment “{self.segment}”"
        if self.membership == "now":
            return f"in {name} since {found}" if found else f"not in {name}"
        verb = "left" if self.membership == "left" else "entered"
        within = f" {self.window.words()}" if self.window else ""
        return f"{verb} {name} last at {found}" if found else f"never {verb} {name}{within}"

    def reads(self) -> Iterator[str]:
        yield f"segment:{self.segment}"

    @property
    def clock(self) -> bool:
        return bool(self.for_ or (self.window and self.window.clock))

    def edges(self, scene: Scene, since: datetime, until: datetime) -> Iterator[Sql]:
        table, column = (Sql("membership"), Sql("since")) if self.for_ else (Sql("transition"), Sql("at"))
        step = Duration.parse(self.for_) if self.for_ else self.window.step if self.window else None
        if step is None:
            return
        low, high = swept(step, since, until, ahead=False)
        yield sql(
            "SELECT x.contact_id FROM segmentation_{table} x WHERE x.segment_id = {id}::bigint"
            " AND x.{column} > {low}::timestamptz AND x.{column} <= {high}::timestamptz",
            table=table,
            column=column,
            id=scene.catalogue.segment_ids.get(self.segment, 0),
            low=low,
            high=high,
        )

    def moments(self, known: Known, after: datetime) -> Iterator[datetime]:
        if self.for_:
            since = known.since(self.segment)
            yield from turns.of_window(Duration.parse(self.for_), since, after) if since else ()
        elif self.window and self.window.step:
            for moved in known.transitions(self.segment, self._kind):
                yield from turns.of_window(self.window.step, moved, after)

    @property
    def _kind(self) -> str:
        return "exited" if self.membership == "left" else "entered"

    def words(self) -> str:
        name = f"the segment “{self.segment}”"
        if self.membership == "now":
            long = f" for at least {Duration.parse(self.for_).words()}" if self.for_ else ""
            return f"is in {name}{long}"
        verb = {"entered": "entered", "left": "left", "ever": "was ever in"}[self.membership]
        return f"{verb} {name}{f' {self.window.words()}' if self.window else ''}"
