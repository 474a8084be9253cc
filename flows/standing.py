"""What is asked of those inside again and again: may they stay, have they reached the goal, do they begin anew."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from flows import aiming, asking, ledger, locks
from flows.asking import Answers
from flows.batch import exit_reason
from flows.enrolling import Candidate, enrol
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Flow, Watch
from flows.plans import Aim, Plan, plans_of
from workspace import clock

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Inside:
    """An active enrollment, as far as it is asked here."""

    id: int
    flow_id: int
    version_id: int
    contact_id: int
    entry_key: str
    restart_armed: bool
    entered_at: datetime
    lane: int
    context: Mapping[str, Any]
    node: str
    visit: int
    entered_on: date

    @property
    def began_at(self) -> datetime:
        """Return when it entered."""
        return self.entered_at

    @property
    def number(self) -> int:
        """Return its enrollment."""
        return self.id


_FIELDS = (
    "id", "flow_id", "version_id", "contact_id", "entry_key", "restart_armed", "entered_at", "lane", "context", "node",
    "visit", "entered_on",
)  # fmt: skip


def inside(contacts: Collection[int], versions: Collection[int]) -> list[Inside]:
    """Return who of these contacts is active on these versions, their rows held."""
    rows = Enrollment.objects.filter(contact__in=contacts, version__in=versions, status=Enrollment.Status.ACTIVE)
    return [Inside(*row) for row in rows.order_by("id").select_for_update(no_key=True).values_list(*_FIELDS)]


def ask(enrollments: Sequence[Inside], at: datetime, counts: Counts, edges: Mapping[int, str] | None = None) -> None:
    """Let out, crown or restart those for whom it is time; `edges` names those whose leaving was itself the fact."""
    if not enrollments:
        return
    plans = plans_of({one.version_id for one in enrollments})
    answers = _answers(enrollments, plans, at)
    endings: list[Ending] = []
    again: list[Candidate] = []
    rearmed: list[int] = []
    aimed: list[tuple[Inside, Plan, Aim]] = []
    for one in enrollments:
        plan = plans[one.version_id]
        reason = (edges or {}).get(one.id) or _ends(one, plan, answers)
        aim = aiming.aim_of(plan, one, answers, at) if plan.aims and not reason else None
        if reason:
            endings.append(Ending(one.id, "exited", reason))
        elif aim is not None:
            aimed.append((one, plan, aim))
        elif plan.restart is not None:
            holds = answers.holds(plan.restart, one)
            if holds and one.restart_armed:
                endings.append(Ending(one.id, "restarted", "restart condition"))
                again.append(_restart(one, plan, at))
            elif not holds and not one.restart_armed:
                rearmed.append(one.id)
    Enrollment.objects.filter(pk__in=rearmed).update(restart_armed=True)
    _restartable(endings, again)
    endings += _leap(aimed, at, counts)
    ledger.end(endings, at, counts)
    enrol(again, at, counts)


def _leap(aimed: Sequence[tuple[Inside, Plan, Aim]], at: datetime, counts: Counts) -> list[Ending]:
    """Bring these to the goals they reached, and return whose journey ends by it; a paused flow moves nobody."""
    if not aimed:
        return []
    been = aiming.been([(one.id, aim.node) for one, _, aim in aimed])
    moving = set(
        Flow.objects.filter(
            pk__in={one.flow_id for one, _, _ in aimed}, status__in=[Flow.Status.RUNNING, Flow.Status.DRAINING]
        ).values_list("pk", flat=True)
    )
    fresh = [(one, plan, aim) for one, plan, aim in aimed if (one.id, aim.node) not in been]
    jumps = [
        (one, plan, aim, one.entered_on) for one, plan, aim in fresh if aim.reach == "jump" and one.flow_id in moving
    ]
    aiming.jump(jumps, at, counts)
    return [Ending(one.id, "exited", aiming.REACHED) for one, _, aim in fresh if aim.reach == "exit"]


def _answers(enrollments: Sequence[Inside], plans: Mapping[int, Plan], at: datetime) -> Answers:
    asked: dict[int, list[Inside]] = defaultdict(list)
    for one in enrollments:
        for rule in plans[one.version_id].standing:
            asked[rule].append(one)
    return asking.answers(asked, at)


def _ends(one: Inside, plan: Plan, answers: Answers) -> str:
    for rule, name in plan.exits:
        if answers.holds(rule, one):
            return exit_reason(name)
    return "goal" if plan.goal is not None and answers.holds(plan.goal, one) else ""


def _restart(one: Inside, plan: Plan, at: datetime) -> Candidate:
    return Candidate(
        plan,
        one.contact_id,
        "restart",
        str(one.id),
        at,
        lane=one.lane,
        entry_key=one.entry_key,
        context=_anew(one.context),
    )


def _anew(context: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the trigger carried: the new beginning is now."""
    trigger = {key: value for key, value in context.get("trigger", {}).items() if key != "at"}
    return {**context, **({"trigger": trigger} if trigger else {})}


def _restartable(endings: list[Ending], again: list[Candidate]) -> None:
    """Begin anew only in flows that run, on the version that is published; others go on as they are."""
    running = dict(
        Flow.objects.filter(pk__in={one.plan.flow_id for one in again}, status=Flow.Status.RUNNING).values_list(
            "pk", "version_id"
        )
    )
    kept = [one for one in again if running.get(one.plan.flow_id) is not None]
    current = plans_of({running[one.plan.flow_id] for one in kept if running[one.plan.flow_id] is not None})
    for one in kept:
        version = running[one.plan.flow_id]
        assert version is not None
        one.plan = current[version]
    begun = {int(one.source_id) for one in kept}
    endings[:] = [one for one in endings if one.status != "restarted" or one.enrollment_id in begun]
    again[:] = kept


def pass_time(limit: int = CHUNK) -> int:
    """Ask everybody inside whose exit, goal or restart condition time alone can make true; return how many were asked."""
    clocked = Watch.objects.filter(purpose__in=["exit", "goal", "restart"], rule__clock=True)
    versions = clocked.filter(version__flow__status__in=["running", "paused", "draining"]).values_list(
        "version_id", "version__flow_id"
    )
    return sum(_pass_version(version, flow, limit) for version, flow in set(versions))


def _pass_version(version_id: int, flow_id: int, limit: int) -> int:
    asked, last = 0, 0
    while True:
        with transaction.atomic():
            locks.share([flow_id])
            rows = list(
                Enrollment.objects.filter(version=version_id, flow=flow_id, status="active", id__gt=last)
                .order_by("id")
                .values_list("id", "contact_id")[:limit]
            )
            if not rows:
                return asked
            _pass_chunk(version_id, {contact for _, contact in rows})
            asked, last = asked + len(rows), rows[-1][0]


def _pass_chunk(version_id: int, contacts: Collection[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [sorted(contacts)],
        )
        held = [row[0] for row in cursor.fetchall()]
    at, counts = clock.now(), Counts()
    ask(inside(held, [version_id]), at, counts)
    counts.write(at)
