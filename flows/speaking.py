"""From what nodes say to queued messages: one statement for any number of contacts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flows.activation import Activation
from flows.checking import staff
from flows.deeds import Deed
from flows.nodes.effects import Say
from flows.plans import Plan
from messaging.services import Draft, queue
from workspace.problems import refuse

STAFF = "staff"


def say(deeds: Sequence[Deed], at: datetime) -> None:
    """Queue the messages, each with its key."""
    people = _people(deeds)
    queue([_draft(deed, at, people) for deed in deeds])


def _people(deeds: Sequence[Deed]) -> dict[int, str]:
    """Return the addresses of staff, where any of these is for them."""
    told = any(isinstance(one.effect, Say) and one.effect.channel == STAFF for one in deeds)
    return {pk: email for pk, _, email in staff()} if told else {}


def _draft(deed: Deed, at: datetime, people: dict[int, str]) -> Draft:
    said, plan = deed.effect, deed.plan
    assert isinstance(said, Say)
    pinned = plan.pinned.get(said.template)
    if said.template and pinned is None:
        raise refuse("template", f"The template “{said.template}” is not there any more.")
    if plan.stream_id is None:
        raise refuse("", "The flow has no stream for its messages.")
    transactional = pinned.transactional if pinned else said.transactional
    return Draft(
        key=deed.key,
        contact_id=deed.contact_id,
        channel=said.channel,
        stream_id=plan.stream_id,
        due_at=at,
        planned_at=min(deed.planned_at, at),
        klass="transactional" if transactional else "marketing",
        topic=pinned.topic if pinned else said.topic,
        thread=f"e:{deed.enrollment_id}",
        turn=deed.visit,
        template_version_id=pinned.version_id if pinned else None,
        sender_id=_sender(plan, said.sender),
        content=_content(said, deed, people),
        late=plan.settings.late,
        lane=deed.lane,
    )


def _sender(plan: Plan, slug: str) -> int | None:
    if slug and slug not in plan.senders:
        raise refuse("sender", f"The sender “{slug}” is not there any more.")
    return plan.senders.get(slug)


def terms(settings: Activation) -> dict[str, Any]:
    """Return how the flow differs from the house in quiet hours, the clock they go by, and the frequency cap."""
    said: dict[str, Any] = {}
    if settings.ignore_quiet_hours:
        said["quiet"] = {}
    elif settings.quiet_hours is not None:
        said["quiet"] = settings.quiet_hours.model_dump()
    if settings.timezone:
        said["zone"] = {"name": settings.timezone, "first": settings.zone == "flow"}
    if settings.cap_class == "exempt":
        said["cap"] = "exempt"
    return said


def _content(said: Say, deed: Deed, people: dict[int, str]) -> dict[str, Any]:
    content = {
        **said.content,
        "flow": deed.plan.flow,
        "node": deed.node,
        "event": deed.event,
        "answers": deed.context.get("answers", {}),
        **terms(deed.plan.settings),
    }
    if said.channel == STAFF:
        chosen = [people[pk] for pk in content.pop("users") if pk in people]
        content["to"] = list(dict.fromkeys([*chosen, *content["to"]]))
    return content
