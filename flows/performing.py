"""Doing what nodes decided, for many contacts at once: one call per thing done, not per contact."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contacts import services as contacts
from contacts.models import List
from flows.nodes.effects import ChangeList, ChangeSegment, Effect, Say, UpdateContact
from flows.plans import Plan
from messaging.services import Draft, queue
from segmentation import services as segments
from segmentation.models import Segment
from workspace.audit import HOUSE
from workspace.problems import refuse

CAUSE = "flow"


class Deed(NamedTuple):
    """One effect for one enrollment."""

    effect: Effect
    plan: Plan
    node: str
    contact_id: int
    enrollment_id: int
    visit: int
    context: Mapping[str, Any]
    planned_at: datetime
    lane: int


def same(effect: Effect) -> str:
    """Return what effects have in common that can be done in one call."""
    if isinstance(effect, Say):
        return "say"
    if isinstance(effect, UpdateContact):
        return f"update:{json.dumps(effect.changes, default=str)}"
    return repr(effect)


def perform(deeds: Sequence[Deed], at: datetime) -> None:
    """Do one kind of thing (the same by `same`) for all of these; raises Refused when it cannot be done at all."""
    _PERFORMERS[type(deeds[0].effect)](deeds, at)


def _say(deeds: Sequence[Deed], at: datetime) -> None:
    queue([_draft(deed, at) for deed in deeds])


def _draft(deed: Deed, at: datetime) -> Draft:
    say, plan = deed.effect, deed.plan
    assert isinstance(say, Say)
    pinned = plan.pinned.get(say.template)
    if say.template and pinned is None:
        raise refuse("template", f"The template “{say.template}” is not there any more.")
    if plan.stream_id is None:
        raise refuse("", "The flow has no stream for its messages.")
    transactional = pinned.transactional if pinned else say.transactional
    return Draft(
        key=f"e:{deed.enrollment_id}:{deed.visit}",
        contact_id=deed.contact_id,
        channel=say.channel,
        stream_id=plan.stream_id,
        due_at=at,
        planned_at=min(deed.planned_at, at),
        klass="transactional" if transactional else "marketing",
        topic=pinned.topic if pinned else say.topic,
        thread=f"e:{deed.enrollment_id}",
        turn=deed.visit,
        template_version_id=pinned.version_id if pinned else None,
        sender_id=_sender(plan, say.sender),
        content=_content(say, deed),
        late=plan.settings.late,
        lane=deed.lane,
    )


def _sender(plan: Plan, slug: str) -> int | None:
    if slug and slug not in plan.senders:
        raise refuse("sender", f"The sender “{slug}” is not there any more.")
    return plan.senders.get(slug)


def _content(say: Say, deed: Deed) -> dict[str, Any]:
    trigger = deed.context.get("trigger", {})
    return {
        **say.content,
        "flow": deed.plan.flow,
        "node": deed.node,
        "event": trigger.get("event", {}),
        "answers": deed.context.get("answers", {}),
    }


def _update(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, UpdateContact)
    contacts.update_attributes(_contacts(deeds), list(effect.changes), cause=CAUSE, at=at)


def _list(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, ChangeList)
    found = List.objects.filter(slug=effect.list).first()
    if found is None:
        raise refuse("list", f"The list “{effect.list}” is not there any more.")
    if not effect.add:
        contacts.remove_from_list(found, _contacts(deeds), cause=CAUSE)
        return
    for flow, some in _by_flow(deeds).items():
        contacts.add_to_list(found, some, cause=CAUSE, origin=f"flow:{flow}")


def _segment(deeds: Sequence[Deed], at: datetime) -> None:
    effect = deeds[0].effect
    assert isinstance(effect, ChangeSegment)
    found = Segment.objects.filter(slug=effect.segment).first()
    if found is None:
        raise refuse("segment", f"The segment “{effect.segment}” is not there any more.")
    verb = segments.add_members if effect.add else segments.remove_members
    for flow, some in _by_flow(deeds).items():
        verb(found, some, cause=CAUSE, actor=HOUSE, origin=f"flow:{flow}")


def _by_flow(deeds: Sequence[Deed]) -> dict[str, list[int]]:
    """Return flow → contacts: what stands somewhere says which flow put it there."""
    found: dict[str, set[int]] = {}
    for deed in deeds:
        found.setdefault(deed.plan.flow, set()).add(deed.contact_id)
    return {flow: sorted(ids) for flow, ids in sorted(found.items())}


def _contacts(deeds: Sequence[Deed]) -> list[int]:
    return sorted({deed.contact_id for deed in deeds})


_PERFORMERS: dict[type[Any], Callable[[Sequence[Deed], datetime], None]] = {
    Say: _say,
    UpdateContact: _update,
    ChangeList: _list,
    ChangeSegment: _segment,
}
