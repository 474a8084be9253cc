"""The first or the last event of a name that each contact ever did, found among no more events than can be it."""

from typing import Literal

from segmentation.measures import Scene
from segmentation.sql import Sql, both, sql
from segmentation.windows import Bounds

Which = Literal["first", "last"]


def each(which: Which, name: int, bounds: Bounds, scene: Scene, *, instant_alone: bool) -> Sql:
    """Render one event for each contact, as a table; the window is still to be asked of it.

    A last event before the window, or a first one after it, is never looked at: that contact has none to show, which
    answers the same. Where its instant is all that is asked, an index alone tells it and nothing is sorted.
    """
    events = sql(
        "contacts_event f WHERE f.name_id = {name} AND {range}{scope}",
        name=name,
        range=_range(which, bounds, scene),
        scope=scene.scope("f.contact_id"),
    )
    if instant_alone:
        end = Sql("min" if which == "first" else "max")
        return sql(
            "(SELECT f.contact_id, {name}::bigint AS name_id, {end}(f.at) AS at FROM {events} GROUP BY f.contact_id)",
            name=name,
            end=end,
            events=events,
        )
    order = Sql("" if which == "first" else " DESC")
    return sql(
        "(SELECT DISTINCT ON (f.contact_id) f.* FROM {events} ORDER BY f.contact_id, f.at{order}, f.id{order})",
        events=events,
        order=order,
    )


def _range(which: Which, bounds: Bounds, scene: Scene) -> Sql:
    """Say between which instants it lies, if it is to be in the window."""
    low = sql("f.at >= {low}::timestamptz", low=bounds.low) if which == "last" and bounds.low else None
    high = bounds.high if which == "first" else scene.at
    return both(low, sql("f.at <= {high}::timestamptz", high=high))
