"""Doing what nodes decided, for many contacts at once: one call per thing done, not per contact."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from contacts import services as contacts
from contacts.models import List
from flows import crossing, speaking
from flows.deeds import Deed, Later, by_flow, contacts_of
from flows.nodes.effects import (
    ChangeList,
    ChangeSegment,
    DeleteContact,
    Effect,
    Export,
    LeaveFlow,
    RecordEvent,
    Say,
    SetConsent,
    StartFlow,
    UpdateContact,
)
from segmentation import handing
from segmentation import services as segments
from segmentation.models import Destination, Segment
from workspace.audit import HOUSE
from workspace.problems import refuse

__all__ = ["Deed", "Later", "perform", "same"]

CAUSE = "flow"
WHOLE = {Say: "say", UpdateContact: "update", RecordEvent: "record"}  # done in one call, however they differ


def same(effect: Effect) -> str:
    """Return what effects have in common that can be done in one call."""
    return WHOLE.get(type(effect)) or repr(effect)


def perform(deeds: Sequence[Deed], at: datetime) -> Later | None:
    """Do one kind of thing (the same by `same`) for all of these; raises Refused when it cannot be done at all.

    What it returns is to be done in the same transaction, once everybody's place has been written.
    """
    return _PERFORMERS[type(deeds[0].effect)](deeds, at)


def _update(deeds: Sequence[Deed], at: datetime) -> None:
    wanted: dict[int, list[dict[str, Any]]] = {}
    for deed in deeds:
        assert isinstance(deed.effect, UpdateContact)
        wanted.setdefault(deed.contact_id, []).extend(deed.effect.changes)
    contacts.update_each(wanted, cause=CAUSE, at=at)


def _list(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, ChangeList)
    found = List.objects.filter(slug=effect.list).first()
    if found is None:
        raise refuse("list", f"The list “{effect.list}” is not there any more.")
    if not effect.add:
        contacts.remove_from_list(found, contacts_of(deeds), cause=CAUSE)
        return
    for flow, some in by_flow(deeds).items():
        contacts.add_to_list(found, some, cause=CAUSE, origin=f"flow:{flow}")


def _segment(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, ChangeSegment)
    found = Segment.objects.filter(slug=effect.segment).first()
    if found is None:
        raise refuse("segment", f"The segment “{effect.segment}” is not there any more.")
    verb = segments.add_members if effect.add else segments.remove_members
    for flow, some in by_flow(deeds).items():
        verb(found, some, cause=CAUSE, actor=HOUSE, origin=f"flow:{flow}")


def _consent(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, SetConsent)
    for flow, some in by_flow(deeds).items():
        contacts.record_news_of_consent(
            contact_ids=some,
            channel=effect.channel,
            topic=effect.topic,
            status="subscribed" if effect.subscribed else "unsubscribed",
            source=f"flow {flow}"[:60],
            at=at,
            again=effect.again,
        )


def _record(deeds: Sequence[Deed], at: datetime) -> None:
    said = []
    for deed in deeds:
        assert isinstance(deed.effect, RecordEvent)
        properties = {"flow": deed.plan.flow, "node": deed.node, **deed.effect.properties}
        said.append(contacts.Said(deed.key, deed.contact_id, deed.effect.event, properties, deed.lane))
    contacts.record_events(said, source=CAUSE, at=at)


def _export(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, Export)
    found = Destination.objects.filter(slug=effect.destination).first()
    if found is None:
        raise refuse("destination", f"The destination “{effect.destination}” is not there any more.")
    said = [handing.Told(one.key, one.contact_id, one.plan.flow, one.node, one.event) for one in deeds]
    handing.hand_over(found, said, at=at)


_PERFORMERS: dict[type[Any], Callable[[Sequence[Deed], datetime], Later | None]] = {
    Say: speaking.say,
    UpdateContact: _update,
    ChangeList: _list,
    ChangeSegment: _segment,
    SetConsent: _consent,
    RecordEvent: _record,
    Export: _export,
    StartFlow: crossing.start,
    LeaveFlow: crossing.leave,
    DeleteContact: crossing.erase,
}
