"""Trying one contact: the whole way by the same core that runs, with a clock of one's own; nothing is sent, nothing stored.

Everything is done for real inside one transaction that is always rolled back, so what a step changes is seen by those after
it. What would reach outside the house, another flow, or the contact's very being is told, not done. What nobody can know
(what a person decides, what another program answers, which event comes) is said by `ways` and `answers`, else the next
thing that time alone brings happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from contacts.models import Contact
from contacts.services import create_contact
from flows import aiming, asking, drafts, knowing, naming, performing, publishing
from flows.batch import exit_reason
from flows.canvas import names_of_used
from flows.checking import check
from flows.enrolling import Candidate, enrol
from flows.entry import REASONS
from flows.ledger import Counts
from flows.models import Enrollment, Entry, Flow, Version
from flows.nodes.base import End, Fail, Go, Scene, Stay
from flows.nodes.effects import ChangeList, ChangeSegment, RecordEvent, Say, SetConsent, UpdateContact
from flows.plans import Plan, forget, plans_of
from flows.walkers import Walker, deed_of, key_of, learn
from messaging.composing import compose
from messaging.language import TemplateFault
from messaging.models import Message, Stream
from messaging.services import set_stream
from segmentation.catalogue import load_catalogue
from segmentation.criteria import given_in
from segmentation.explaining import Answer, explain_criteria
from segmentation.models import Membership, Segment
from segmentation.rules import criteria_of
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Workspace
from workspace.problems import Refused, refuse

MOST_STEPS = 200
HORIZON = timedelta(days=400)
OWN = (UpdateContact, ChangeList, ChangeSegment, SetConsent, RecordEvent, Say)  # what can be done and undone
SOURCES = {
    "event": "event", "webhook_received": "event", "contact_segment": "transition", "list_added": "list",
    "list_removed": "list", "attribute_changed": "attribute", "date_attribute": "date", "schedule": "schedule",
    "flow_finished": "finished", "manual": "manual",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whom to try, from when, and what is known beforehand of what nobody can know."""

    contact: Contact | None = None
    document: Mapping[str, Any] | None = None  # a made-up contact
    at: datetime | None = None
    trigger: Mapping[str, Any] = field(default_factory=dict)  # what the event that starts it carries
    ways: Mapping[str, str] = field(default_factory=dict)  # node → the port by which it is left
    answers: Mapping[str, Any] = field(default_factory=dict)  # webhook → what it answers
    published: bool = False  # the version that runs, not the draft


@dataclass(slots=True)
class Rehearsal:
    """What would happen."""

    enters: bool = True
    why: str = ""
    status: str = "active"
    reason: str = ""
    path: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"enters": self.enters, "why": self.why, "status": self.status, "reason": self.reason, "path": self.path}


class _Undo(Exception):
    """Ends the transaction so that nothing of it stays."""


def rehearse(flow: Flow, wish: Wish) -> Rehearsal:
    """Walk one contact through a flow, and return every step with what its decision saw and what it would say."""
    found: Rehearsal | None = None
    version_id = None
    try:
        with transaction.atomic():
            at = wish.at or clock.now()
            _turn_to(at)
            plan = _plan(flow, published=wish.published)
            version_id = plan.version_id
            contact = _contact(wish)
            found = _Walk(flow, plan, contact, wish, at).walk()
            raise _Undo
    except _Undo:
        pass
    if version_id is not None and not Version.objects.filter(pk=version_id).exists():
        forget(version_id)
    assert found is not None
    return found


def _turn_to(at: datetime) -> None:
    """Turn the clock of this transaction alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.now', %s, true)", [at.isoformat()])


def _plan(flow: Flow, *, published: bool) -> Plan:
    """Return the plan that runs, or that of the draft as if it were published now."""
    if published:
        if flow.version_id is None:
            raise refuse("published", f"“{flow.name}” was never published; try the draft.", 409)
        return plans_of([flow.version_id])[flow.version_id]
    publishing.refuse_faulty(check(flow))
    if not Stream.objects.filter(kind="flow", slug=flow.slug).exists():
        set_stream("flow", flow.slug, Stream.State.OPEN)
    version = publishing.freeze(flow, drafts.load(flow))
    return plans_of([version.pk])[version.pk]


def _contact(wish: Wish) -> Contact:
    if wish.contact is not None:
        return wish.contact
    return create_contact(document=dict(wish.document or {}), actor=HOUSE, at=wish.at)


class _Walk:
    """One contact on the way."""

    def __init__(self, flow: Flow, plan: Plan, contact: Contact, wish: Wish, at: datetime) -> None:
        self.flow, self.plan, self.contact, self.wish, self.at = flow, plan, contact, wish, at
        self.began = at
        self.passed: dict[tuple[int, str], datetime] = {}
        self.came = at
        self.found = Rehearsal()
        self.graph = drafts_graph(plan)
        self.names = names_of_used()
        self.catalogue = load_catalogue()
        self.house = Workspace.objects.get(pk=1)

    def walk(self) -> Rehearsal:
        """Enter, and go on until it ends, a person is needed, or it is too long."""
        one = self._enter()
        for _ in range(MOST_STEPS):
            if not self._step(one):
                return self.found
            if self.at - self.began > HORIZON:
                return self._ends("active", f"This goes on beyond {HORIZON.days} days; the rest is not tried.")
        return self._ends("active", f"This is longer than {MOST_STEPS} steps; the rest is not tried.")

    def _ends(self, status: str, reason: str) -> Rehearsal:
        self.found.status, self.found.reason = status, reason
        return self.found

    def _enter(self) -> Walker:
        """Ask the trigger's rules as they are asked of facts; who would be refused is walked all the same."""
        event = {**self.wish.trigger, "at": self.at.isoformat()}
        context = {"trigger": {"event": {"name": getattr(self.plan.trigger.settings, "event_name", ""), **event}}}
        Flow.objects.filter(pk=self.flow.pk).update(
            status="running", version=self.plan.version_id, activated_at=self.at
        )
        self._stand()
        source, mark = SOURCES.get(self.plan.trigger.kind, "manual"), uuid4().hex
        enrol([Candidate(self.plan, self.contact.pk, source, mark, self.at, context=context)], self.at, Counts())
        entry = Entry.objects.filter(flow=self.flow, source_id=mark).first()
        if entry is not None and entry.outcome == Entry.Outcome.REFUSED:
            self.found.enters, self.found.why = False, REASONS.get(entry.reason, entry.reason)
        row = Enrollment.objects.create(
            flow=self.flow, version_id=self.plan.version_id, contact=self.contact, entry_key=f"tried:{mark}",
            node=self.plan.trigger.key, due_at=self.at, context=context, entered_at=self.at, entered_on=self.at.date(),
        )  # fmt: skip
        return Walker(
            row.pk, self.flow.pk, self.plan, self.contact.pk, row.node, 1, 0, self.at, False, 0, context,
            row.entered_on, self.at,
        )  # fmt: skip

    def _stand(self) -> None:
        """Let the contact be where the trigger takes it from: in the segment that it enters, or out of the one it left."""
        trigger = self.plan.trigger
        segment = Segment.objects.filter(slug=getattr(trigger.settings, "segment", "")).first()
        if trigger.kind != "contact_segment" or segment is None:
            return
        if trigger.settings.when == "enters":
            Membership.objects.get_or_create(
                segment=segment, contact=self.contact, defaults={"since": self.at, "seq": 1}
            )
        else:
            Membership.objects.filter(segment=segment, contact=self.contact).delete()

    # One step ----------------------------------------------------------------------------------------------------------

    def _step(self, one: Walker) -> bool:
        """Take one step, and tell whether there is another."""
        node = one.here
        if node.type is None or node.fault:
            self._ends("active", node.fault or "There is no such kind of step here.")
            return False
        if node.type.speaks and self._leaves(one):
            return False
        shown = self._shown(one)
        decision = self._decide(one, shown)
        if decision is None:
            return False
        if isinstance(decision, Fail):
            self._ends("failed", decision.reason)
            return False
        self._perform(one, decision.effects, shown)
        return self._go(one, decision, shown)

    def _shown(self, one: Walker) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "node": one.node,
            "kind": one.here.kind,
            "title": naming.title_of(self.graph, one.node, self.names),
            "at": self.at.isoformat(),
            "left_at": None,
            "port": "",
            "next": "",
            "saw": {},
            "questions": [],
            "messages": [],
            "does": [],
        }
        self.found.path.append(shown)
        return shown

    def _leaves(self, one: Walker) -> bool:
        """Ask the exit conditions as they are asked before every message."""
        rules = {rule for rule, _ in self.plan.exits} | {aim.rule for aim in self.plan.aims}
        answers = asking.answers({rule: [one] for rule in rules}, self.at, self.passed)
        for rule, name in self.plan.exits:
            if answers.holds(rule, one):
                self._ends("exited", exit_reason(name))
                return True
        aim = aiming.aim_of(self.plan, one, answers, self.at)
        if aim is not None and (one.id, aim.node) not in self.passed:
            if aim.reach == "exit":
                self._ends("exited", aiming.REACHED)
                return True
            one.node, one.waiting, one.woken, self.came = aim.node, False, aiming.PORT, self.at
        return False

    def _scene(self, one: Walker) -> Scene:
        node = one.here
        here = {(one.id, one.node): self.came} if node.since_here else {}
        answers = asking.answers({rule: [one] for rule in node.asks}, self.at, {**self.passed, **here})
        holds = frozenset(name for rule, names in node.asks.items() if answers.holds(rule, one) for name in names)
        scene = Scene(
            self.at, one.contact_id, one.id, self.plan.flow, one.node, one.visit, one.waiting, holds, one.context
        )
        assert node.type is not None
        limited = (
            node.type.limit(node.settings) is not None
        )  # whose turn it is depends on all others: here it is theirs
        told = None if limited else knowing.tell(node, [one], self.at)
        return scene._replace(**told(one)) if told else scene

    def _decide(self, one: Walker, shown: dict[str, Any]) -> Go | End | Fail | None:
        """Decide as the engine does, waiting as long as it takes; None when it stands until a person says more."""
        node = one.here
        assert node.type is not None
        for _ in range(MOST_STEPS):
            scene = self._scene(one)
            shown["questions"] = self._questions(one, scene)
            decision = node.type.decide(node.settings, scene)
            if not isinstance(decision, Stay):
                return decision
            self._perform(one, decision.effects, shown)
            if one.node in self.wish.ways:
                return Go(self.wish.ways[one.node], saw={"tried": "this way was chosen"})
            if decision.wake_on.startswith("message:"):
                return self._answered(one, scene)
            if decision.until is None:
                self._ends("active", decision.parked or "It waits until something happens that nobody can foresee.")
                return None
            one.waiting, one.until = True, decision.until if decision.wake_on or decision.clock == "wall" else None
            self.at = max(self.at, decision.until)
            _turn_to(self.at)
            if self.at - self.began > HORIZON:
                self._ends("active", f"It waits here beyond {HORIZON.days} days.")
                return None
        self._ends("active", "It waits here again and again.")
        return None

    def _answered(self, one: Walker, scene: Scene) -> Go | End | Fail | None:
        """Go on as if the message had gone, with the answer that was said beforehand."""
        node, said = one.here, self.wish.answers.get(one.node, {"status": 200, "body": {}})
        assert node.type is not None
        after = scene._replace(waiting=True, message="sent", answer=said, unsettled="")
        decision = node.type.decide(node.settings, after)
        if isinstance(decision, Stay):
            self._ends("active", decision.parked)
            return None
        return decision

    def _questions(self, one: Walker, scene: Scene) -> list[dict[str, Any]]:
        """Return what the step asked, with the answer and the values that it saw."""
        rules, given = criteria_of(one.here.asks), asking.given_of(one, {**self.passed, (one.id, one.node): self.came})
        found = []
        for rule, names in one.here.asks.items():
            told = explain_criteria(given_in(rules[rule], given), self.contact, self.at, self.catalogue, foresee=False)
            found += [
                {"name": name, "holds": name in scene.holds, "values": _leaves_of(told.root) if told.root else []}
                for name in names
            ]
        return found

    # What comes of it ---------------------------------------------------------------------------------------------------

    def _perform(self, one: Walker, effects: Any, shown: dict[str, Any]) -> None:
        for effect in effects:
            shown["does"].append(type(effect).__name__)
            if not isinstance(effect, OWN):
                continue
            try:
                with transaction.atomic():
                    performing.perform([deed_of(one, effect)], self.at)
            except Refused as error:
                shown["saw"] = {**shown["saw"], "blocked": error.detail}
                continue
            if isinstance(effect, Say):
                shown["messages"].append(self._said(key_of(one), effect.channel))
        if effects:
            self.contact.refresh_from_db()

    def _said(self, key: str, channel: str) -> dict[str, Any]:
        """Render what was queued just now."""
        message = Message.objects.select_related("contact", "template_version", "sender").filter(key=key).first()
        if message is None:
            return {"channel": channel, "error": "Nothing was queued."}
        try:
            made = compose(message, self.house, message.sender)
        except TemplateFault as fault:
            return {"channel": channel, "error": str(fault)}
        email = made.email
        return {
            "channel": channel,
            "subject": email.subject if email else made.title,
            "text": email.text if email else made.text,
            "html": email.html if email else "",
            "error": "",
        }

    def _go(self, one: Walker, decision: Go | End, shown: dict[str, Any]) -> bool:
        port = decision.port if isinstance(decision, Go) else ""
        target = one.here.targets.get(port, "")
        shown |= {"port": port, "next": target, "left_at": self.at.isoformat(), "saw": {**shown["saw"], **decision.saw}}
        if isinstance(decision, Go) and decision.answer is not None:
            learn(one, decision.answer)
        self.passed[one.id, one.node] = self.at
        if isinstance(decision, End):
            self._ends("exited", decision.reason)
            return False
        if not target:
            self._ends("completed", "")
            return False
        one.node, one.visit, one.waiting, one.until, one.woken = target, one.visit + 1, False, None, ""
        one.planned_at = self.came = self.at
        return True


def drafts_graph(plan: Plan) -> Any:
    """Return the graph of a plan's version, for its words."""
    return naming.graph_of(Version.objects.values_list("graph", flat=True).get(pk=plan.version_id))


def _leaves_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the single conditions of an explanation: in words, whether it holds, and what was found."""
    if answer.parts:
        return [leaf for one in answer.parts for leaf in _leaves_of(one)]
    return [{"words": answer.words, "holds": answer.holds, "found": answer.said or answer.found}]
