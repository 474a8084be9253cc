"""How many would enter a flow if they came into or out of its segment now: judged as `entry.judge` does, for all at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Sum, Value, When

from contacts.models import Contact
from flows import asking, entry
from flows.models import Enrollment, Entry, Flow, Tally
from flows.plans import Plan
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.criteria import Criteria
from segmentation.models import Transition
from segmentation.rules import criteria_of

IN = ""
OPENERS = {"enters": Transition.Kind.ENTERED, "leaves": Transition.Kind.EXITED}


@dataclass(frozen=True, slots=True)
class Foretold:
    """How many would enter, how many would be refused for which reason, and what was not looked at."""

    count: int
    refused: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def foretell(flow: Flow, plan: Plan, segment: str, movers: QuerySet[Contact], at: datetime) -> Foretold:
    """Say how many of those who would move enter a flow, and why the others do not: one query for all of them."""
    asked = _Asked(flow, plan, segment, at)
    reason = Case(*asked.whens(), default=Value(IN), output_field=CharField())
    rows = movers.order_by().annotate(reason=reason).values_list("reason").annotate(n=Count("pk"))
    counts: dict[str, int] = dict(rows)
    count = counts.pop(IN, 0)
    room = _room(plan, at)
    if room is not None and count > room:
        counts[entry.CEILING] = count - room
        count = room
    return Foretold(count, {entry.REASONS[name]: n for name, n in counts.items() if n}, asked.left_out)


@dataclass(slots=True)
class _Asked:
    """The questions of one flow, in the order in which they are asked."""

    flow: Flow
    plan: Plan
    segment: str
    at: datetime
    left_out: list[str] = field(default_factory=list)

    def whens(self) -> Iterator[When]:
        """Yield each reason to refuse somebody, the first that holds counts."""
        settings = self.plan.settings
        if settings.starts_at is not None and self.at < settings.starts_at:
            yield When(Q(pk__isnull=False), then=Value(entry.NOT_YET))
        if settings.ends_at is not None and self.at >= settings.ends_at:
            yield When(Q(pk__isnull=False), then=Value(entry.OVER))
        yield from self._which()
        yield When(Exists(self._journeys().filter(status="active")), then=Value(entry.INSIDE))
        if self.plan.terms.gap is None:
            yield When(Exists(self._journeys()), then=Value(entry.ONCE))
        yield from self._criteria()
        if self.plan.terms.gap is not None:
            left = self._journeys().filter(ended_at__gt=self.plan.terms.gap.before(self.at))
            yield When(Exists(left), then=Value(entry.GAP))
        yield When(Q(pk__in=self._busy()), then=Value(entry.LOOP))

    def _journeys(self) -> QuerySet[Enrollment]:
        return Enrollment.objects.filter(flow=self.flow, contact=OuterRef("pk"), entry_key="")

    def _which(self) -> Iterator[When]:
        """Ask how often they came (or went) before, and how long they were away."""
        which, least = self.plan.terms.which, self.plan.terms.least_absence
        before = Transition.objects.filter(segment__slug=self.segment, contact=OuterRef("pk"))
        been = Exists(before.filter(kind=OPENERS[self.plan.trigger.settings.when]))
        if which == "first":
            yield When(been, then=Value(entry.NOT_FIRST))
        elif which == "again":
            yield When(~been, then=Value(entry.NOT_AGAIN))
            if least is not None:
                lately = Transition.objects.filter(
                    segment__slug=self.segment, contact=OuterRef("pk"), at__gt=least.before(self.at)
                )
                yield When(Exists(lately), then=Value(entry.TOO_SOON))

    def _criteria(self) -> Iterator[When]:
        rules = [(self.plan.filter, False, "the trigger's filter")]
        rules += [(rule, True, "an exit condition") for rule, name in self.plan.exits if name != "leave"]
        found = criteria_of([rule for rule, _, _ in rules if rule is not None])
        catalogue = load_catalogue()
        for rule, ends, said in rules:
            if rule is None:
                continue
            if why := self._unknown(found[rule]):
                self.left_out.append(f"{said} {why}")
                continue
            holds = Exists(Contact.objects.filter(q(found[rule], at=self.at, catalogue=catalogue), pk=OuterRef("pk")))
            yield When(holds if ends else ~holds, then=Value(entry.EXIT if ends else entry.FILTER))

    def _unknown(self, criteria: Criteria) -> str:
        """Say why criteria cannot be asked before the move is made; empty when they can."""
        if criteria.speaks_of:
            return "asks about the journey itself"
        return "asks about this very segment" if f"segment:{self.segment}" in criteria.reads else ""

    def _busy(self) -> Any:
        """Return who entered so often within the hour that they are held to go round in a circle."""
        lately = Entry.objects.filter(flow=self.flow, outcome="enrolled", at__gt=self.at - timedelta(hours=1))
        often = lately.values("contact").annotate(n=Count("pk")).filter(n__gte=entry.MOST_ENTRIES_AN_HOUR)
        return often.values("contact")


def _room(plan: Plan, at: datetime) -> int | None:
    """Return for how many there is room below the flow's ceilings; None without any."""
    ceilings = plan.settings.ceilings
    entered = Tally.objects.filter(flow=plan.flow_id, what="entered")
    left = []
    if ceilings.total:
        left.append(ceilings.total - _sum(entered))
    if ceilings.daily:
        left.append(ceilings.daily - _sum(entered.filter(minute__gte=asking.today(at))))
    return max(0, min(left)) if left else None


def _sum(rows: QuerySet[Tally]) -> int:
    return rows.aggregate(n=Sum("count"))["n"] or 0
