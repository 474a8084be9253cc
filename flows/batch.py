"""Walking a batch of enrollments: rounds of ask, decide, do and move, until each one stays or has ended."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import OperationalError, transaction

from flows import aiming, asking, blocking, knowing, ledger, performing, trials
from flows.asking import Answers
from flows.crossing import JustChanged
from flows.ledger import Counts, Ending
from flows.nodes.base import Decision, End, Fail, Go, Scene, Stay
from flows.performing import Deed
from flows.plans import PlanNode
from flows.walkers import WAITED, Walker, deed_of, key_of, learn, row_of
from workspace.crash import crashpoint
from workspace.problems import Refused

log = structlog.get_logger()

MOST_STEPS_IN_A_RUN = 100
MOST_STEPS = 1000
GAPS = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3), timedelta(hours=20))  # 5 tries in about 24 h
BLOCKED_FOR = timedelta(minutes=5)
LOST_WAKE = timedelta(minutes=15)  # a wait for a fact looks by itself this often, should the fact have been lost
SOON = timedelta(seconds=2)  # another flow that is just being changed is asked again
UNKNOWN_FOR = timedelta(seconds=15)  # a node of a kind that this worker does not know waits for one that does (F52)


@dataclass(slots=True)
class Batch:
    """What one transaction does."""

    at: datetime
    counts: Counts = field(default_factory=Counts)
    steps: list[ledger.StepRow] = field(default_factory=list)
    moved: dict[int, Walker] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    later: list[Callable[[], None]] = field(default_factory=list)  # done when everybody's place is written
    tried: list[tuple[Walker, PlanNode, str]] = field(default_factory=list)  # branches of tests
    jumped: list[Walker] = field(default_factory=list)
    spoke: bool = False

    def walk(self, walkers: list[Walker]) -> int:
        """Walk all of them as far as they go, write it, and return how many steps were made."""
        ahead = walkers
        while ahead:
            ahead = self._round(ahead)
        self.write()
        crashpoint("before_step_commit")
        return len(self.steps)

    def walk_alone(self, one: Walker) -> None:
        """Walk one whose batch failed, keeping the steps it makes before the node at which it fails."""
        ahead = [one]
        while ahead:
            planned = len(self.later)
            try:
                with transaction.atomic():
                    ahead = self._round(ahead)
            except OperationalError:
                raise
            except Exception as error:
                del self.later[planned:]
                log.warning("enrollment.step_failed", enrollment=one.id, node=one.node, error=repr(error))
                self.fail(one, error)
                break
        self.write()

    def write(self) -> None:
        """Write where everybody stands now, who has ended, and the steps that led there."""
        ledger.write_moves([row_of(one, self.at) for one in self.moved.values()])
        ledger.end(self.endings, self.at, self.counts)
        ledger.write_steps(self.steps)
        trials.note(self.tried, self.at, self.counts)
        self.counts.write(self.at)
        for do in self.later:
            do()

    def _round(self, walkers: list[Walker]) -> list[Walker]:
        groups: dict[tuple[int, str], list[Walker]] = defaultdict(list)
        for one in walkers:
            if one.node in one.plan.nodes:
                groups[one.plan.version_id, one.node].append(one)
            else:
                self._stop(one, "exited", "node_removed")
        groups = self._leave(groups)
        answers = self._ask(groups.values())
        decided: list[tuple[Walker, Decision]] = []
        for group in groups.values():
            decided += self._decide(group, answers)
        refused = self._perform(decided)
        ahead = [one for one, decision in decided if one.id not in refused and self._move(one, decision)]
        ahead += self.jumped
        self.jumped = []
        return ahead

    def _leave(self, groups: dict[tuple[int, str], list[Walker]]) -> dict[tuple[int, str], list[Walker]]:
        """Ask the exit conditions again of those about to be spoken to, and let go of those for whom one holds."""
        asked: dict[int, list[Walker]] = defaultdict(list)
        for group in groups.values():
            if _speaks(group[0].here):
                plan = group[0].plan
                for rule in {rule for rule, _ in plan.exits} | {aim.rule for aim in plan.aims}:
                    asked[rule] += group
        if not asked:
            return groups
        answers = asking.answers(asked, self.at, self._passed())
        left = {}
        for key, group in groups.items():
            staying = [one for one in group if not (_speaks(one.here) and self._exits(one, answers))]
            if _speaks(group[0].here):
                staying = self._aim(staying, answers)
            if staying:
                left[key] = staying
        return left

    def _aim(self, group: list[Walker], answers: Answers) -> list[Walker]:
        """Bring those to their goal who have reached it, and return the others."""
        aims = {one.id: aiming.aim_of(one.plan, one, answers, self.at) for one in group}
        been = aiming.been([(pk, aim.node) for pk, aim in aims.items() if aim])
        staying = []
        for one in group:
            aim = aims[one.id]
            if aim is None or (one.id, aim.node) in been or (one.id, aim.node) in self._passed():
                staying.append(one)
            elif aim.reach == "exit":
                self._stop(one, "exited", aiming.REACHED)
            else:
                self._leap(one, aim.node)
        return staying

    def _leap(self, one: Walker, node: str) -> None:
        self._step(one, aiming.PORT, node, {"goal": "reached"})
        self.counts.add(one.flow_id, one.plan.version_id, "left", one.node, aiming.PORT)
        self.counts.add(one.flow_id, one.plan.version_id, "arrived", node)
        one.node, one.woken, one.waiting, one.until = node, aiming.PORT, False, None
        one.visit, one.taken, one.attempts, one.error = one.visit + 1, one.taken + 1, 0, ""
        self.jumped.append(one)

    def _exits(self, one: Walker, answers: Answers) -> bool:
        name = next((name for rule, name in one.plan.exits if answers.holds(rule, one)), None)
        if name is not None:
            self._stop(one, "exited", exit_reason(name))
        return name is not None

    def _ask(self, groups: Iterable[list[Walker]]) -> Answers:
        asked: dict[int, list[Walker]] = defaultdict(list)
        came: dict[tuple[int, str], int] = {}
        for group in groups:
            for rule in group[0].here.asks:
                asked[rule] += group
            if group[0].here.since_here:
                came |= {(one.id, one.node): one.id for one in group}
        return asking.answers(asked, self.at, {**self._passed(), **self._came(came)}) if asked else Answers({})

    def _came(self, asked: Mapping[tuple[int, str], int]) -> dict[tuple[int, str], datetime]:
        """Return when each of these came to the node it stands at: with its last step."""
        last = asking.last_steps(asked.values()) if asked else {}
        now = {row[0]: row[-1] for row in self.steps}
        return {place: now.get(pk) or last.get(pk) or self.at for place, pk in asked.items()}

    def _passed(self) -> dict[tuple[int, str], datetime]:
        """Return the steps of this batch, which are not written yet: enrollment and node."""
        return {(row[0], row[6]): row[-1] for row in self.steps}

    def _decide(self, group: list[Walker], answers: Answers) -> list[tuple[Walker, Decision]]:
        node = group[0].here
        if node.type is None:  # while versions are changed, older and newer workers run together
            self._put_off(group, UNKNOWN_FOR, f"waits for a worker that knows its step: {node.fault}")
            return []
        if node.fault:
            self._block(group, node.fault)
            return []
        told = knowing.tell(node, group, self.at)
        settled = asking.settled([key_of(one) for one in group if one.waiting]) if node.type.awaits_message else {}
        unsettled = asking.unsettled([one.id for one in group]) if node.type.comes_last else {}
        decided = []
        for one in group:
            try:
                scene = self._scene(one, node, answers, settled, unsettled)
                decided.append((one, node.type.decide(node.settings, scene._replace(**told(one)) if told else scene)))
            except Exception as error:  # whatever a kind of node raises is this enrollment's trouble alone
                log.warning("enrollment.step_failed", enrollment=one.id, node=node.key, error=repr(error))
                self.fail(one, error)
        return decided

    def _scene(
        self,
        one: Walker,
        node: PlanNode,
        answers: Answers,
        settled: Mapping[str, tuple[str, Any]],
        unsettled: Mapping[int, str],
    ) -> Scene:
        holds = [name for rule, names in node.asks.items() if answers.holds(rule, one) for name in names]
        message, answer = settled.get(key_of(one), ("", None)) if settled else ("", None)
        return Scene(
            self.at,
            one.contact_id,
            one.id,
            one.plan.flow,
            node.key,
            one.visit,
            one.waiting,
            frozenset(holds),
            one.context,
            message,
            answer,
            unsettled.get(one.id, "") if unsettled else "",
        )

    def _perform(self, decided: list[tuple[Walker, Decision]]) -> set[int]:
        """Do what was decided, like with like; who stands where it cannot be done at all is blocked there."""
        kinds: dict[tuple[int, str, str], list[tuple[Walker, Deed]]] = defaultdict(list)
        for one, decision in decided:
            for effect in () if isinstance(decision, Fail) else decision.effects:
                kind = performing.same(effect)
                kinds[one.plan.version_id, one.node, kind].append((one, deed_of(one, effect)))
        refused: set[int] = set()
        for (_, node, kind), doing in kinds.items():
            try:
                with transaction.atomic():
                    later = performing.perform([deed for _, deed in doing], self.at)
                self.later += [later] if later else []
                self.spoke |= kind == "say"
            except JustChanged as error:
                self._put_off([one for one, _ in doing], SOON, error.detail)
                refused |= {one.id for one, _ in doing}
            except Refused as error:
                log.warning("node.blocked", node=node, reason=error.detail)
                self._block([one for one, _ in doing], error.detail)
                refused |= {one.id for one, _ in doing}
        return refused

    def _move(self, one: Walker, decision: Decision) -> bool:
        """Move one on, and tell whether it goes on at once."""
        if isinstance(decision, Stay):
            self._stay(one, decision)
            return False
        if isinstance(decision, Fail):
            one.error = decision.reason[:2000]
            self._give_up(one, decision.reason)
            return False
        port = decision.port if isinstance(decision, Go) else ""
        target = one.here.targets.get(port, "")
        self._step(one, port, target, decision.saw)
        if one.here.type is not None and one.here.type.is_test and not decision.saw.get("promoted"):
            self.tried.append((one, one.here, port))
        if isinstance(decision, Go) and decision.answer is not None:
            learn(one, decision.answer)
        one.waiting, one.attempts, one.error, one.until, one.woken = False, 0, "", None, ""
        one.visit, one.taken = one.visit + 1, one.taken + 1
        if isinstance(decision, End):
            self._stop(one, "exited", decision.reason)
            return False
        self._count(one, port, target)
        if not target:
            one.status = "completed"
            self._note(one)
            return False
        one.node = target
        return self._not_too_long(one)

    def _step(self, one: Walker, port: str, target: str, saw: Mapping[str, Any]) -> None:
        self.steps.append(
            (
                one.id,
                one.visit,
                one.entered_on,
                one.flow_id,
                one.plan.version_id,
                one.contact_id,
                one.node,
                one.here.kind,
                port,
                target,
                json.dumps(saw, default=str) if saw else "{}",
                self.at,
            )
        )

    def _count(self, one: Walker, port: str, target: str) -> None:
        flow, version = one.flow_id, one.plan.version_id
        self.counts.add(flow, version, "left", one.node, port)
        if target:
            self.counts.add(flow, version, "arrived", target)
        else:
            self.counts.add(flow, version, "completed")
            self.counts.finished(flow, one.contact_id, one.id)

    def _not_too_long(self, one: Walker) -> bool:
        if one.visit > MOST_STEPS:
            self._stop(one, "failed", f"loop: more than {MOST_STEPS:,} steps")
        elif one.taken > MOST_STEPS_IN_A_RUN:
            self._stop(one, "failed", f"loop: more than {MOST_STEPS_IN_A_RUN} steps without a wait")
        else:
            return True
        return False

    def _stay(self, one: Walker, stay: Stay) -> None:
        one.waiting, one.attempts, one.error = True, 0, ""
        # Whoever is parked for a person is not looked at again; whoever waits for a message is, should its fact be lost.
        may_be_lost = stay.wake_on.startswith("message:") or not stay.parked
        looks_by_itself = [self.at + LOST_WAKE] if stay.wake_on and may_be_lost else []
        one.due_at = min([*([stay.until] if stay.until else []), *looks_by_itself], default=None)
        one.until = stay.until if stay.wake_on or stay.clock == "wall" else None
        if stay.until and one.lane < WAITED:
            one.lane = WAITED
        one.clock, one.wake_on = stay.clock, stay.wake_on
        one.parked = stay.parked or ("" if one.due_at else "waits")
        self._note(one)

    def _stop(self, one: Walker, status: str, reason: str) -> None:
        """End one; where it stands is written first, so that the ending finds it there."""
        if one.taken:
            one.due_at = self.at
            self._note(one)
        self.endings.append(Ending(one.id, status, reason))

    def _put_off(self, walkers: Iterable[Walker], length: timedelta, why: str) -> None:
        """Leave these where they stand for a moment; nobody needs to be told."""
        for one in walkers:
            one.due_at, one.parked = self.at + length, why[:200]
            self._note(one)

    def _block(self, walkers: Sequence[Walker], reason: str) -> None:
        blocking.tell(walkers[0].flow_id, walkers[0].node, reason)
        for one in walkers:
            one.due_at, one.parked = self.at + BLOCKED_FOR, f"blocked: {reason}"[:200]
            self._note(one)

    def fail(self, one: Walker, error: Exception) -> None:
        """Let one try again later, or fail it after the fifth try."""
        one.attempts += 1
        one.error = f"{type(error).__name__}: {error}"[:2000]
        if one.attempts > len(GAPS):
            self._give_up(one, f"failed at {one.node} after {one.attempts} tries")
            return
        one.due_at, one.parked = self.at + GAPS[one.attempts - 1], f"tries again: {one.error}"[:200]
        self._note(one)

    def _give_up(self, one: Walker, reason: str) -> None:
        """Do what the node's failure policy says once nothing more is tried: skip it, hold the journey, or end it."""
        policy = getattr(one.here.settings, "on_failure", "")
        one.due_at, one.parked, one.wake_on, one.clock = self.at, "", "", "none"
        if policy == "skip":
            port = next(iter(one.here.targets), "next")
            self._move(one, Go(port, saw={"skipped": True, "error": one.error[:500]}))
        elif policy == "hold":
            one.due_at, one.parked = None, f"held: {reason}"[:200]
        else:
            self.endings.append(Ending(one.id, "failed", reason))
        self._note(one)

    def _note(self, one: Walker) -> None:
        self.moved[one.id] = one


def exit_reason(name: str) -> str:
    """Return the reason of an enrollment that left by this exit condition."""
    return {"leave": "left the segment", "back": "came back into the segment"}.get(name, "exit condition")


def _speaks(node: PlanNode) -> bool:
    return node.type is not None and node.type.speaks
