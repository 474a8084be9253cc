"""EVENT: what the contact did."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from contacts.models import name_id
from segmentation import occurrences, turns
from segmentation.aggregates import OVER_NOTHING_ZERO, Aggregate, FollowedBy, filter_words
from segmentation.catalogue import Catalogue
from segmentation.conditions.base import NO, YES, Condition
from segmentation.conditions.property import value_faults
from segmentation.counting import compared, holds_at_zero, picked
from segmentation.filters import Comparison, Filter, Properties, comparisons, path_faults, put_in, render, values_at
from segmentation.given import SPOKEN, Given, since_faults, source_faults, source_of
from segmentation.known import Happened, Known
from segmentation.measures import Counted, Measure, Scene
from segmentation.operators import ask
from segmentation.sql import Sql, both, sql
from segmentation.windows import Window
from segmentation.wording import needed, number_words, quote
from workspace.durations import Duration
from workspace.problems import Fault


class EventCondition(Condition):
    """Counts what the contact did."""

    label: ClassVar[str] = "Event"
    example: ClassVar[dict[str, Any]] = {
        "type": "EVENT",
        "eventName": "Order Completed",
        "aggregate": {"function": "count", "operator": ">=", "value": 3},
        "window": {"last": "30d"},
        "where": {"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": 50}]},
    }

    type: Literal["EVENT"]
    event_name: str = Field(alias="eventName", min_length=1, max_length=200)
    aggregate: Aggregate = Aggregate()
    window: Window | None = None
    where: Filter | None = None
    occurrence: Literal["any", "first", "last"] = "any"
    followed_by: FollowedBy | None = Field(None, alias="followedBy")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        yield from self.aggregate.faults(f"{path}.aggregate")
        if self.window:
            yield from self.window.faults(f"{path}.window")
            yield from since_faults(self.window, catalogue, f"{path}.window")
        for where, at in self._filters(path):
            for one, inner in comparisons(where, at):
                yield from path_faults(one, inner)
                if source_of(one.value):
                    yield from source_faults(one.value, one.operator, catalogue, inner)
                    continue
                yield from value_faults(one.operator, one.value, None, one.case_sensitive, inner)
        if self.followed_by:
            yield from self._followed_faults(self.followed_by, f"{path}.followedBy")

    def _filters(self, path: str) -> Iterator[tuple[Any, str]]:
        if self.where:
            yield self.where, f"{path}.where"
        if self.followed_by and self.followed_by.where:
            yield self.followed_by.where, f"{path}.followedBy.where"

    def _followed_faults(self, followed: FollowedBy, path: str) -> Iterator[Fault]:
        try:
            within = followed.step
        except ValueError as error:
            yield Fault(f"{path}.within", str(error))
            return
        if within and within.calendar:
            yield Fault(f"{path}.within", 'Write a length such as "30m", "24h" or "7d".')
        last = (
            Duration.parse(self.window.last)
            if self.window and self.window.last and not any(self.window.faults(""))
            else None
        )
        if within and last and within.longest >= last.longest:
            yield Fault(f"{path}.within", "within must be shorter than the window.")

    def warnings(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        names = {f"{path}.eventName": self.event_name}
        if self.followed_by:
            names[f"{path}.followedBy.eventName"] = self.followed_by.event_name
        for where, name in names.items():
            if name not in catalogue.events:
                yield Fault(where, f'No event "{name}" has arrived yet; until one does, nobody has done it.')

    def speaks_of(self) -> Iterator[str]:
        if self.window and self.window.since:
            yield self.window.since
        every = (one for where, _ in self._filters("") for one, _ in comparisons(where, ""))
        yield from {SPOKEN[source] for one in every if (source := source_of(one.value))}

    def given(self, given: Given) -> Self:
        followed = self.followed_by
        if followed and followed.where:
            followed = followed.model_copy(update={"where": put_in(followed.where, given.value)})
        where = put_in(self.where, given.value) if self.where else None
        return self.model_copy(update={"window": given.window(self.window), "where": where, "followed_by": followed})

    def size(self) -> int:
        return 1 + sum(len(list(comparisons(where, ""))) for where, _ in self._filters(""))

    def measure(self, scene: Scene) -> Measure:
        counted = self._counted(scene)
        if self.occurrence == "any":
            return counted
        instant_alone = counted.filter is None and self.aggregate.function in ("count", "days")
        return picked(counted, scene, events=self._events_of(scene, instant_alone=instant_alone))

    def _counted(self, scene: Scene) -> Counted:
        asked = ask(self.aggregate.operator, self.aggregate.value, "number")
        properties = self._properties(scene)
        aggregate = self._aggregate(properties, scene)
        bounds = (self.window or Window()).bounds(scene.at)
        filtered = self._filter(scene, properties)
        nothing = self.aggregate.function in OVER_NOTHING_ZERO
        return Counted(
            complement=asked.complement,
            name_id=name_id(self.event_name),
            window=bounds.where("e.at", properties.zone),
            since=bounds.low,
            filter=filtered,
            aggregate=aggregate,
            over_nothing=nothing,
            operator=asked.operator,
            value=asked.value,
            zero=nothing and holds_at_zero(asked.operator, asked.value),
            zoned=bounds.by_day
            or "z.timezone" in aggregate.text
            or (filtered is not None and "z.timezone" in filtered.text),
            exists=self.aggregate.function == "count" and (asked.operator, asked.value) in ((">=", 1), (">", 0)),
        )

    def _events_of(self, scene: Scene, *, instant_alone: bool = False) -> Sql:
        """Name the events that are asked about: all, or each contact's first or last alone."""
        if self.occurrence == "any":
            return Sql("contacts_event")
        bounds = (self.window or Window()).bounds(scene.at)
        return occurrences.each(self.occurrence, name_id(self.event_name), bounds, scene, instant_alone=instant_alone)

    def _properties(self, scene: Scene, event: str = "e", name: str = "") -> Properties:
        promoted = scene.catalogue.value_properties.get(name or self.event_name, "")
        return Properties(event, scene.zone(Sql("z")), promoted, scene.at)

    def _aggregate(self, properties: Properties, scene: Scene) -> Sql:
        if self.aggregate.function == "count":
            return Sql("count(*)")
        if self.aggregate.function == "days":
            return sql("count(DISTINCT (e.at AT TIME ZONE {zone})::date)", zone=properties.zone)
        reading = properties.reading(self.aggregate.property_name or "")
        if self.aggregate.function == "distinct":
            return sql("count(DISTINCT CASE WHEN NOT {null} THEN {x} END)", null=reading.null, x=reading.document)
        return sql(f"{self.aggregate.function}({{x}})", x=reading.number)

    def _filter(self, scene: Scene, properties: Properties) -> Sql | None:
        if self.where is None and self.followed_by is None:
            return None
        where = render(self.where, properties) if self.where else None
        return both(where, self._followed(scene, self.followed_by) if self.followed_by else None)

    def _followed(self, scene: Scene, followed: FollowedBy) -> Sql:
        properties = self._properties(scene, "b", followed.event_name)
        soon = sql("b.at <= e.at + {step}::interval", step=followed.step.longest) if followed.step else None
        same = None
        if followed.same_property:
            mine = self._properties(scene, "e").reading(followed.same_property)
            theirs = properties.reading(followed.same_property)
            same = sql("{a} = {b} AND NOT {null}", a=mine.document, b=theirs.document, null=mine.null)
        where = render(followed.where, properties) if followed.where else None
        exists = sql(
            "EXISTS (SELECT 1 FROM contacts_event b WHERE b.contact_id = e.contact_id AND b.name_id = {name}"
            " AND b.at <= {at}::timestamptz AND (b.at, b.id) > (e.at, e.id) AND {rest})",
            name=name_id(followed.event_name),
            at=scene.at,
            rest=both(soon, same, where),
        )
        if not followed.negate:
            return exists
        ran_out = sql("e.at <= {at}::timestamptz", at=followed.step.before(scene.at)) if followed.step else None
        return both(sql("NOT {exists}", exists=exists), ran_out)

    def found(self, scene: Scene) -> Sql:
        counted = self._counted(scene)
        number = sql("coalesce({x}, 0)", x=counted.aggregate) if counted.over_nothing else counted.aggregate
        return sql("SELECT to_jsonb({number}) {source}", number=number, source=self._source(scene, counted))

    def counting(self, scene: Scene, most: int) -> Sql:
        """Render the newest events that count for the contact of the scene's row, as a JSON list of [id, instant]."""
        return sql(
            "(SELECT jsonb_agg(jsonb_build_array(k.id, k.at) ORDER BY k.at DESC, k.id DESC)"
            " FROM (SELECT e.id, e.at {source} ORDER BY e.at DESC, e.id DESC LIMIT {most}) k)",
            source=self._source(scene, self._counted(scene)),
            most=most,
        )

    def _source(self, scene: Scene, counted: Counted) -> Sql:
        return sql(
            "FROM {events} e JOIN contacts_contact z ON z.id = e.contact_id WHERE e.contact_id = {c}.id AND {where}",
            events=self._events_of(scene),
            c=scene.contact,
            where=both(sql("e.name_id = {name}", name=counted.name_id), counted.window, counted.filter),
        )

    def told(self, found: Any) -> str:
        window = f" {self.window.words()}" if self.window else ""
        window += f", {self.followed_by.words()}" if self.followed_by else ""
        about = self.aggregate
        if about.property_name:
            what = f"{about.function} of {about.property_name} is {number_words(found)}{window}"
        elif about.function == "days":
            what = f"{quote(self.event_name)} on {number_words(found)} days{window}"
        elif about.never:
            return f"no {quote(self.event_name)}{window}" if not found else f"{self._times(found)}{window}, none wanted"
        else:
            what = f"{self._times(found)}{window}"
        return f"{what}, {needed(about.operator, about.value)} needed"

    def _times(self, found: Any) -> str:
        return f"{number_words(found)} × {quote(self.event_name)}"

    def reads(self) -> Iterator[str]:
        yield f"event:{self.event_name}"
        if self.followed_by:
            yield f"event:{self.followed_by.event_name}"
        by_day = self.window is not None and self.window.by_day
        if self.aggregate.function == "days" or by_day or any(self._filters("")):
            yield "attribute:timezone"

    def blank(self) -> frozenset[bool]:
        asked = ask(self.aggregate.operator, self.aggregate.value, "number")
        holds = self.aggregate.function in OVER_NOTHING_ZERO and holds_at_zero(asked.operator, asked.value)
        return YES if holds != asked.complement else NO

    @property
    def clock(self) -> bool:
        return bool((self.window and self.window.clock) or self._waits or self._relative)

    @property
    def _waits(self) -> Duration | None:
        return self.followed_by.step if self.followed_by and self.followed_by.negate else None

    @property
    def _relative(self) -> bool:
        """Tell whether a filter compares a property with a moving instant."""
        every = (one for where, _ in self._filters("") for one, _ in comparisons(where, ""))
        return any(one.operator in MOVING for one in every)

    def edges(self, scene: Scene, since: datetime, until: datetime) -> Iterator[Sql]:
        if self._relative:
            step = self.window.step if self.window and self.window.last else None
            yield self._events(scene, (step.before(since) - SLACK, until) if step else None)
            return
        ranges = [self.window.edges(since, until) if self.window else None]
        if self._waits:
            ranges.append((self._waits.before(since), self._waits.before(until)))
        for range_ in ranges:
            if range_:
                yield self._events(scene, range_)

    def _events(self, scene: Scene, range_: tuple[datetime, datetime] | None) -> Sql:
        low = (
            sql(" AND e.at > {low}::timestamptz AND e.at <= {high}::timestamptz", low=range_[0], high=range_[1])
            if range_
            else Sql("")
        )
        return sql(
            "SELECT e.contact_id FROM contacts_event e WHERE e.name_id = {name}{range}",
            name=name_id(self.event_name),
            range=low,
        )

    def moments(self, known: Known, after: datetime) -> Iterator[datetime]:
        for step in self._steps():
            for event in known.events(self.event_name, step.before(after) - SLACK):
                yield from turns.of_window(step, event.at, after)
        for name, where in self._named_filters():
            moving = [one for one, _ in comparisons(where, "") if one.operator in MOVING]
            for event in known.events(name) if moving else ():
                for one in moving:
                    yield from self._of_filter(one, event, known.zone, after)

    def _steps(self) -> Iterator[Duration]:
        """Yield how long an event counts, or does not count yet."""
        if self.window and self.window.step:
            yield self.window.step
        if self._waits:
            yield self._waits

    def _named_filters(self) -> Iterator[tuple[str, Any]]:
        if self.where:
            yield self.event_name, self.where
        if self.followed_by and self.followed_by.where:
            yield self.followed_by.event_name, self.followed_by.where

    def _of_filter(self, one: Comparison, event: Happened, zone: str, after: datetime) -> Iterator[datetime]:
        asked = ask(one.operator, one.value, None)
        for value in values_at(event.properties, one.property_name):
            yield from turns.of_value(value, asked, zone, after)

    def events_among(self, scene: Scene, ids: list[int]) -> Sql:
        """Render which of these events it means, by name, window and filter."""
        measure = self.model_copy(update={"occurrence": "any"}).measure(scene)
        assert isinstance(measure, Counted)
        return sql(
            "SELECT e.id FROM contacts_event e JOIN contacts_contact z ON z.id = e.contact_id"
            " WHERE e.id = ANY({ids}::bigint[]) AND {where}",
            ids=ids,
            where=both(sql("e.name_id = {name}", name=measure.name_id), measure.window, measure.filter),
        )

    def words(self) -> str:
        about, name = self.aggregate, quote(self.event_name)
        which = f" where {filter_words(self.where, self.event_name)}" if self.where else ""
        when = f" {self.window.words()}" if self.window else ""
        after = f", {self.followed_by.words()}" if self.followed_by else ""
        if about.property_name:
            picked = "" if self.occurrence == "any" else f"the {self.occurrence} "
            return f"{about.of_words()} over {picked}{name}{which}{when}{after} {about.is_words()}"
        picked = "" if self.occurrence == "any" else f" for the {self.occurrence} time"
        verb = "did not do" if about.never else "did"
        return f"{verb} {name}{picked}{about.often_words()}{which}{when}{after}"


SLACK = timedelta(days=4)  # calendar steps fall together at the ends of months
MOVING = ("in_last", "not_in_last", "in_next", "anniversary_in_last", "anniversary_in_next")


__all__ = ["EventCondition", "compared", "picked"]
