"""Rows of every model of the back office, as many as asked for: by the services where they are, by hand where the house writes alone."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from contacts import services as people
from contacts.models import Activity, Attribute, Converted, Moment, Read, Receipt, Topic
from flows.draft_models import Edit
from flows.library_models import OwnTemplate
from flows.models import Broadcast, Conversion, Edge, Enrollment, Entry, Flow, Node, Reentry, Step, Version, Watch
from flows.models import Tally as FlowTally
from flows.rule_models import InHand, Promotion, Suspect, Trial, Turn
from flows.services import create_flow
from flows.trigger_models import Hook, HookSample, Mark
from messaging.models import CaughtMail, Link, Message, Sender, Stream, TemplateVersion
from messaging.services import create_template, publish_template
from segmentation.destinations import create_destination
from segmentation.models import Delivery, Evaluation, Handed, Line, Membership, Owed, Segment, Tally, Transition
from tests.factories import did, person, put_on, segment
from workspace import clock
from workspace.audit import HOUSE, Actor
from workspace.keys import make_key
from workspace.models import Answer, Job, Notice, Review, ReviewNote, Tick, Use


def fill(n: int) -> None:
    """Make n rows of everything, each related to others of its own."""
    start = Flow.objects.count()
    for number in range(start, start + n):
        _one(number)


def _one(k: int) -> None:
    at = clock.now()
    user = User.objects.create(username=f"staff{k}", email=f"staff{k}@example.com")
    other = User.objects.create(username=f"other{k}")
    key, _ = make_key(name=f"Key {k}", scope="read", actor=Actor(user_id=user.pk))
    Group.objects.create(name=f"group {k}")
    Answer.objects.create(key=key, idempotency_key=f"once {k}", digest="d", status=201, response={"text": "{}"})
    Job.objects.create(kind="import", actor=user, request={"rows": k})
    review = Review.objects.create(subject=f"flow:{k}", requested_by=user, reviewed_by=other, request={"to": k})
    ReviewNote.objects.create(review=review, step="requested", actor=user)
    Tick.objects.create(job="attend", slot=10**6 + k)
    Notice.objects.create(kind="tests", subject=f"flo_{k}", title=f"Notice {k}")
    Use.objects.create(user=f"flow:{k}", used=f"list:{k}")
    contact = _contact(k, at)
    Converted.objects.create(job=Job.objects.latest("pk"), contact=contact, value=k)
    found = _segment(k, contact, at, user)
    flow, version = _flow(k, user, found)
    enrollment = _journey(flow, version, contact, at)
    _message(k, contact, enrollment, at)
    _beat(k, at)


def _contact(k: int, at: Any) -> Any:
    contact = person(f"Ana {k}", user_id=None)
    made = people.create_contact(document={"userId": f"u{k}", "email": f"u{k}@example.com"}, actor=HOUSE)
    did(made, f"Event {k}", revenue=k)
    put_on(f"list-{k}", made)
    Activity.objects.get_or_create(contact=contact, defaults={"last_seen_at": at})
    Moment.objects.create(contact=made, attribute=f"born{k}", instant=at)
    Attribute.objects.create(name=f"attribute{k}")
    Receipt.objects.create(source="tests", message_id=f"receipt {k}")
    Read.objects.create(fact=f"event:Event {k}", stage=1, reader=f"rule:{k}")
    Topic.objects.create(name=f"Topic {k}", slug=f"topic-{k}")
    people.record_consent(contact_id=made.pk, channel="email", status="subscribed", source="tests", actor=HOUSE)
    people.suppress(channel="email", address=f"no{k}@example.com", reason="manual", actor=HOUSE)
    return made


def _segment(k: int, contact: Any, at: Any, user: User) -> Segment:
    made = segment(f"Segment {k}", {"type": "PROPERTY", "propertyName": "city", "operator": "=", "value": f"Rome {k}"})
    Segment.objects.filter(pk=made.pk).update(created_by=user)
    moved = {"segment": made, "contact": contact, "seq": 1}
    Transition.objects.create(**moved, kind="entered", cause="data", rule=made.rule, at=at)
    Membership.objects.create(**moved, since=at)
    Evaluation.objects.create(segment=made, rule=made.rule, cause="data", at=at, size=k)
    Owed.objects.create(segment=made, contact=contact, cause="data")
    Tally.objects.create(segment=made, minute=at, entered=1)
    _destination(k, made, at, user)
    return made


def _destination(k: int, found: Segment, at: Any, user: User) -> None:
    made = create_destination(name=f"Ads {k}", segment=found, kind="csv", actor=Actor(user_id=user.pk))[0]
    first = Transition.objects.filter(segment=found).first()
    assert first is not None
    sent = Delivery.objects.create(
        destination=made,
        key=f"msg_{k}",
        kind="changed",
        status="failed",
        size=1,
        settled_at=at,
        error="It answered 500.",
    )
    Line.objects.create(destination=made, round=2, transition=first, delivery=sent)
    Handed.objects.create(
        destination=made, delivery=sent, key=f"e:{k}:1", contact=first.contact, flow="f", node="n", at=at
    )


def _flow(k: int, user: User, found: Segment) -> tuple[Flow, Version]:
    flow = create_flow(name=f"Flow {k}", actor=Actor(user_id=user.pk))
    Flow.objects.filter(pk=flow.pk).update(owner=user)
    for name in ("a", "b"):
        Node.objects.create(flow=flow, key=name, kind="wait", settings={"duration": "1d"})
    Edge.objects.create(flow=flow, source="a", port="next", target="b")
    graph = {
        "nodes": [
            {"id": "t", "kind": "event", "settings": {"event_name": "Order Completed"}},
            {"id": "a", "kind": "wait", "settings": {"duration": "1d"}},
        ],
        "edges": [{"from": "t", "port": "next", "to": "a"}],
    }
    version = Version.objects.create(flow=flow, number=1, graph=graph, digest=f"d{k}", published_by=user)
    Watch.objects.create(
        version=version, node="a", name="x", purpose=Watch.Purpose.values[0], rule_id=found.rule_id or 0
    )
    Broadcast.objects.create(name=f"Broadcast {k}", slug=f"broadcast-{k}")
    return flow, version


def _triggers(flow: Flow, contact: Any, at: Any) -> None:
    """Make what triggers remember."""
    Mark.objects.create(flow=flow, at=at)
    Edit.objects.create(
        flow=flow, number=flow.revision, author=User.objects.latest("pk"), words="Wait added", parts={}, at=at
    )
    needs: dict[str, Any] = {"segments": [], "messages": [], "lists": []}
    kept = {"draft": {"nodes": [], "edges": []}, **needs}
    OwnTemplate.objects.create(name="Kept", slug=f"kept-{flow.pk}", document=kept, flow=flow)
    hook = Hook.objects.create(flow=flow)
    HookSample.objects.create(hook=hook, contact=contact, body={"a": 1}, size=9, outcome="taken", received_at=at)


def _journey(flow: Flow, version: Version, contact: Any, at: Any) -> Enrollment:
    entry = Entry.objects.create(
        flow=flow, contact=contact, source_kind="manual", source_id="1", version=version, outcome="started", at=at
    )
    Reentry.objects.create(flow=flow, contact=contact, entry=entry, source_kind="manual", due_at=at)
    made = Enrollment.objects.create(
        flow=flow,
        version=version,
        contact=contact,
        entry=entry,
        node="a",
        visit=2,  # the step below is of the visit before
        parked="tests",
        entered_at=at,
        entered_on=at.date(),
    )
    Step.objects.create(
        enrollment=made, visit=1, entered_on=at.date(), flow=flow, version=version, contact=contact,
        node="a", kind="wait", port="next", saw={"at": 1}, at=at,
    )  # fmt: skip
    _triggers(flow, contact, at)
    Conversion.objects.create(enrollment=made, flow=flow, version=version, contact=contact, event_id=1, value=5, at=at)
    FlowTally.objects.create(flow=flow, version=version, what=FlowTally.What.values[0], minute=at, count=1)
    Turn.objects.create(flow=flow, node="a", enrollment=made, visit=1, most=1, seconds=60)
    Trial.objects.create(flow=flow, node="a", contact=contact, version_id=version.pk, port="a", at=at, until=at)
    Promotion.objects.create(flow=flow, node="a", port="a", how=Promotion.How.ITSELF, at=at)
    InHand.objects.create(at=at, backend=1, enrollments=[made.pk])
    Suspect.objects.create(enrollment=made, visit=1, crashes=1)
    return made


def _message(k: int, contact: Any, enrollment: Enrollment, at: Any) -> None:
    template = create_template(
        name=f"Template {k}", slug=f"template-{k}", channel="email", subject="Hi", body="<p>Hi</p>",
        transactional=True, actor=HOUSE,
    )  # fmt: skip
    publish_template(template, actor=HOUSE)
    sender = Sender.objects.create(name=f"Sender {k}", slug=f"sender-{k}", address=f"s{k}@example.com")
    stream = Stream.objects.create(kind="flow", slug=f"flow-{k}")
    message = Message.objects.create(
        key=f"e:{enrollment.pk}:{k}", contact=contact, channel="email", klass="transactional", stream=stream,
        sender=sender, template_version=TemplateVersion.objects.get(template=template), content={"event": {}},
        due_at=at, planned_at=at,
    )  # fmt: skip
    Link.objects.create(message=message, url="https://example.com/")
    CaughtMail.objects.create(sender="a@example.com", recipient="b@example.com", subject="Hi", raw=b"Hi")


def _beat(k: int, at: Any) -> None:
    interval = IntervalSchedule.objects.create(every=1000 + k, period="seconds")
    CrontabSchedule.objects.create(minute=str(k % 60))
    SolarSchedule.objects.create(event="sunrise", latitude=k % 90, longitude=0)
    ClockedSchedule.objects.create(clocked_time=at + timedelta(days=k))
    PeriodicTask.objects.create(name=f"beat {k} {uuid.uuid4().hex[:4]}", task="x", interval=interval, last_run_at=at)
