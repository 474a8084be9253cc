"""Goals on the canvas: whoever reaches one from further up jumps to it, past all that lies between, or leaves."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from flows import ledger
from flows.asking import Answers
from flows.ledger import Counts
from flows.plans import Aim, Plan
from flows.rows import select

PORT = "goal"  # of the step that was left because a goal was reached: no edge leads by it
SAW = '{"goal": "reached"}'
REACHED = "goal reached"


class Traveller(Protocol):
    """Somebody on the way."""

    @property
    def id(self) -> int:
        """Return its enrollment."""
        ...

    @property
    def flow_id(self) -> int:
        """Return its flow."""
        ...

    @property
    def contact_id(self) -> int:
        """Return who travels."""
        ...

    @property
    def node(self) -> str:
        """Return where it stands."""
        ...

    @property
    def visit(self) -> int:
        """Return which step it is about to make."""
        ...

    @property
    def context(self) -> Mapping[str, Any]:
        """Return what it remembers."""
        ...

    @property
    def number(self) -> int:
        """Return its enrollment."""
        ...

    @property
    def began_at(self) -> datetime:
        """Return when it entered."""
        ...


def aim_of(plan: Plan, one: Traveller, answers: Answers, at: datetime) -> Aim | None:
    """Return the first goal ahead of somebody that is reached in its time."""
    for aim in plan.aims:
        in_time = aim.within is None or at <= aim.within.after(one.began_at)
        if one.node in aim.before and in_time and answers.holds(aim.rule, one):
            return aim
    return None


def been(pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return those of these (enrollment, goal) that were passed already: a goal is reached once."""
    enrollments = sorted({pk for pk, _ in pairs})
    sql = "SELECT DISTINCT enrollment_id, node FROM flows_step WHERE enrollment_id = ANY(%s) AND node = ANY(%s)"
    rows = select(sql, [enrollments, sorted({node for _, node in pairs})]) if pairs else []
    return {(pk, node) for pk, node in rows} & set(pairs)


def jump(jumps: Sequence[tuple[Traveller, Plan, Aim, object]], at: datetime, counts: Counts) -> None:
    """Put these (with the day of their entry) at the goals they reached; the caller holds contacts and enrollments."""
    moves, steps = [], []
    for one, plan, aim, entered_on in jumps:
        kind = plan.nodes[one.node].kind if one.node in plan.nodes else ""
        steps.append(
            (
                one.id, one.visit, entered_on, one.flow_id, plan.version_id, one.contact_id,
                one.node, kind, PORT, aim.node, SAW, at,
            )
        )  # fmt: skip
        counts.add(one.flow_id, plan.version_id, "left", one.node, PORT)
        counts.add(one.flow_id, plan.version_id, "arrived", aim.node)
        moves.append(ledger.placed(one.id, aim.node, one.visit + 1, at, wake_on=PORT))
    ledger.write_moves(moves)
    ledger.write_steps(steps)
