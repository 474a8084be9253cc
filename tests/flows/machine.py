"""A machine that drives a whole shop by rules that chance chooses, on the real database, and asks after each what must hold."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from config.management.commands.check_invariants import checks
from contacts.ingest import take
from contacts.models import Change, Contact
from contacts.services import add_to_list, erase_contact, remove_from_list
from flows import approving, clocked, crank, intake, joining, runner, services, standing, tending, waking
from flows.models import Enrollment, Flow
from messaging import outbox, reaping
from messaging.models import Message
from segmentation import evaluation
from tests.flows.conftest import NOON, SHOP, World, property_is
from workspace.audit import HOUSE
from workspace.durations import Duration
from workspace.problems import Refused

PEOPLE = ("mara", "ben", "cleo", "dan")
BROWSERS = ("phone", "laptop")
ANYONE = st.sampled_from([*PEOPLE, *BROWSERS])
SHORT = ("10m", "1h", "90m", "3h")
LONG = ("26h", "8d")
TIMELY = ("I12", "I18", "I30", "I7 no clock", "no evaluation outlives")  # hold only where workers run
MAIL = {"subject": "Hello", "body": "<p>Hello</p>", "transactional": True}
POINTS = {"changes": [{"attribute": "customProperties.points", "increment": 1}]}


def does(event: str, least: int = 1, **more: Any) -> dict[str, Any]:
    """Return a condition about an event."""
    return {
        "type": "EVENT",
        "eventName": event,
        "aggregate": {"function": "count", "operator": ">=", "value": least},
        **more,
    }


def orders(world: World) -> Flow:
    """One journey per order: a wait, a split, a mail, a call whose end is awaited, a wait for the payment."""
    pro = {"branches": [{"port": "pro", "criteria": property_is("customProperties.plan", "pro")}]}
    return world.flow(
        ("start", "event", {"event_name": "Ordered", "entry_key": "orderId"}),
        ("pause", "wait", {"duration": "2h"}),
        ("kind", "split", pro),
        ("mail", "send_email", MAIL),
        ("hook", "webhook", {"url": "https://example.com/hook"}),
        ("paid", "wait_for", {"event_name": "Paid", "timeout": "1d"}),
        ("count", "update_contact", POINTS),
        edges="start:next>pause pause:next>kind kind:pro>mail kind:else>hook mail:next>paid hook:next>paid"
        " hook:failed>count paid:next>count",
        reentry={"allowed": True, "after": "1h"},
        exit_when=property_is("customProperties.plan", "gone"),
    )


def pros(world: World) -> Flow:
    """Whoever turns pro, for as long as they are; a third order begins the journey anew."""
    world.segment("pros", property_is("customProperties.plan", "pro"))
    return world.flow(
        ("start", "contact_segment", {"segment": "pros", "or_still_in_after": "1h"}),
        ("mail", "send_email", MAIL),
        ("pause", "wait", {"duration": "1d"}),
        ("gate", "rate_limit", {"count": 1, "interval": "1h"}),
        ("keep", "add_to_list", {"list": "letters"}),
        exit_on_leave=True,
        restart_when=does("Ordered", 3),
        reentry={"allowed": True, "after": "2h"},
    )


def letters(world: World) -> Flow:
    """Whoever is put on the list: nine o'clock, a goal, a person's word, a loop."""
    return world.flow(
        ("start", "list_added", {"list": "letters"}),
        ("nine", "wait_until", {"time": "09:00"}),
        ("aim", "goal", {"event_name": "Paid"}),
        ("ask", "approval", {}),
        ("count", "update_contact", POINTS),
        ("pause", "wait", {"duration": "3h"}),
        ("more", "split", {"branches": [{"port": "again", "criteria": property_is("customProperties.plan", "pro")}]}),
        ("back", "jump", {"to": "pause"}),
        ("off", "remove_from_list", {"list": "letters"}),
        edges="start:next>nine nine:next>aim aim:next>count aim:missed>ask ask:next>count count:next>pause"
        " pause:next>more more:again>back back:next>pause more:else>off",
        reentry={"allowed": True, "after": "1h"},
    )


class Shop(RuleBasedStateMachine):
    """Four people and two browsers, three flows, and everything that may happen to them in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(contextlib.suppress(_Undone))
        self.stack.enter_context(_undone())
        self.world = World()
        self.world.turn_clock(NOON)
        self.count = 0

    @initialize()
    def open_shop(self) -> None:
        """Make the three flows, running."""
        self.world.make_list("letters")
        self.flows = [make(self.world) for make in (orders, pros, letters)]
        self.world.meets(*PEOPLE)
        self.world.settle()

    # What people do -----------------------------------------------------------------------------------------------------

    def tell(self, kind: str, who: str, **said: Any) -> None:
        """Let a fact come in; the engine has not looked."""
        self.count += 1
        name = {"userId": who} if who in PEOPLE else {"anonymousId": who}
        item = {"type": kind, "messageId": f"m{self.count}", "timestamp": self.world.at.isoformat(), **name, **said}
        assert take([item], source=SHOP, received_at=self.world.at) == [None]

    @rule(who=ANYONE, order=st.integers(1, 4))
    def order(self, who: str, order: int) -> None:
        """Somebody orders, perhaps the same order again."""
        self.tell("track", who, event="Ordered", properties={"orderId": str(order)})

    @rule(who=ANYONE)
    def pay(self, who: str) -> None:
        """Somebody pays."""
        self.tell("track", who, event="Paid", properties={})

    @rule(who=ANYONE, plan=st.sampled_from(["pro", "free", "gone"]))
    def change_plan(self, who: str, plan: str) -> None:
        """Somebody has another plan."""
        self.tell("identify", who, traits={"plan": plan})

    @rule(who=st.sampled_from(PEOPLE), zone=st.sampled_from(["Asia/Kolkata", "America/New_York", "Europe/Paris"]))
    def travel(self, who: str, zone: str) -> None:
        """Somebody lives elsewhere."""
        self.tell("identify", who, traits={"timezone": zone})

    @rule(who=st.sampled_from(PEOPLE), browser=st.sampled_from(BROWSERS))
    def merge(self, who: str, browser: str) -> None:
        """A browser turns out to be somebody; from then on it is theirs."""
        self.tell("identify", who, anonymousId=browser, traits={})

    @rule(who=ANYONE)
    def erase(self, who: str) -> None:
        """Somebody is erased; whoever comes under the name later is another."""
        found = self.find(who)
        if found is not None:
            erase_contact(contact=found, actor=HOUSE)

    @rule(who=st.sampled_from(PEOPLE), on=st.booleans())
    def put_on_list(self, who: str, on: bool) -> None:
        """Somebody is put on the list, or taken off."""
        found = self.find(who)
        if found is not None:
            verb: Callable[..., Any] = add_to_list if on else remove_from_list
            verb(self.world.make_list("letters"), [found.pk], cause="data")

    def find(self, who: str) -> Contact | None:
        """Return whom a name belongs to now."""
        named = Contact.objects.filter(identities__value=who, erased_at=None, merged_into=None)
        return named.first()

    # What staff do ------------------------------------------------------------------------------------------------------

    def attempt(self, do: Callable[..., Any], *said: Any, **more: Any) -> None:
        """Do what may be refused as things stand."""
        with contextlib.suppress(Refused), transaction.atomic():
            do(*said, **more)

    def flow(self, which: int) -> Flow:
        """Return a flow as it is now."""
        return Flow.objects.get(pk=self.flows[which].pk)

    @rule(which=st.integers(0, 2), mode=st.sampled_from(["hold_clock", "hold_due"]))
    def pause(self, which: int, mode: str) -> None:
        """A flow is paused."""
        self.attempt(services.pause, self.flow(which), mode=mode, actor=HOUSE)

    @rule(which=st.integers(0, 2), take_in=st.booleans())
    def resume(self, which: int, take_in: bool) -> None:
        """A flow goes on."""
        self.attempt(services.resume, self.flow(which), take_in=take_in, actor=HOUSE)

    @rule(which=st.integers(0, 2))
    @precondition(lambda self: self.count > 12)
    def drain(self, which: int) -> None:
        """A flow takes nobody in any more."""
        self.attempt(services.drain, self.flow(which), actor=HOUSE)

    @rule(
        which=st.integers(0, 2),
        length=st.sampled_from(["30m", "2h", "2d"]),
        inside=st.sampled_from(["finish", "move", "exit"]),
        waits=st.booleans(),
    )
    def edit(self, which: int, length: str, inside: str, waits: bool) -> None:
        """A wait becomes longer or shorter, and those inside finish, move or leave."""
        flow = self.flow(which)
        self.attempt(services.drafts.change_node, flow, "pause", settings={"duration": length})
        self.attempt(services.publish_flow, flow, inside=inside, waits=waits, actor=HOUSE)

    @rule(which=st.integers(0, 2), to=st.sampled_from(["count", "mail", "keep"]))
    def cut(self, which: int, to: str) -> None:
        """A node goes for good, and those who stand there move to another or leave."""
        flow = self.flow(which)
        gone = ("kind", "gate", "aim")[which]
        self.attempt(services.drafts.remove_node, flow, gone)
        self.attempt(services.publish_flow, flow, inside="move", nodes={gone: {"do": "move", "to": to}}, actor=HOUSE)

    @rule(which=st.integers(0, 2), number=st.integers(1, 3), inside=st.sampled_from(["finish", "move", "exit"]))
    def roll_back(self, which: int, number: int, inside: str) -> None:
        """An old version is published again."""
        self.attempt(services.roll_back, self.flow(which), version=number, inside=inside, actor=HOUSE)

    @rule(who=st.sampled_from(PEOPLE), which=st.integers(0, 2))
    def put_in(self, who: str, which: int) -> None:
        """Somebody is put in by hand."""
        found = self.find(who)
        if found is not None:
            self.attempt(services.enrol, self.flow(which), contact_ids=[found.pk], actor=HOUSE)

    @rule(verb=st.sampled_from(["exit", "retry", "skip", "move"]), skip=st.integers(0, 3))
    def tend(self, verb: str, skip: int) -> None:
        """One journey is taken out, tried again, led past its step, or put elsewhere."""
        chosen = list(
            Enrollment.objects.filter(status="active").order_by("id").values_list("pk", flat=True)[skip : skip + 1]
        )
        if chosen:
            self.attempt(tending.tend, verb, chosen, actor=HOUSE, to="count" if verb == "move" else "")

    @rule(yes=st.booleans())
    def decide(self, yes: bool) -> None:
        """A person decides about those who wait for that."""
        self.attempt(
            approving.decide, list(approving.waiting().values_list("pk", flat=True)), approved=yes, actor=HOUSE
        )

    # Time and work ------------------------------------------------------------------------------------------------------

    @rule(length=st.sampled_from(SHORT))
    def pass_time(self, length: str) -> None:
        """Time passes, and the engine does what falls due."""
        self.world.later(length)

    @rule(length=st.sampled_from([*SHORT, *LONG]))
    def sleep(self, length: str) -> None:
        """Time passes while every worker is away."""
        self.world.turn_clock(_later(self.world, length))

    @rule(
        limit=st.sampled_from([1, 2, 100]),
        what=st.sampled_from(["look", "take", "run", "again", "clock", "send", "reap"]),
    )
    def work(self, limit: int, what: str) -> None:
        """One worker does one thing, however little of it."""
        WORK[what](limit)

    @rule()
    def settle(self) -> None:
        """The engine does all there is to do; every event that could start somebody has been decided about."""
        self.world.settle()
        assert _rows(UNDECIDED, [self.flows[0].pk]) == []

    # What must hold -----------------------------------------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        """Ask every invariant but those of time, in one statement."""
        self.ask(lambda name: not name.startswith(TIMELY))

    def ask(self, wanted: Callable[[str], bool]) -> None:
        """Ask what is wanted, and say what does not hold."""
        broken = _broken(wanted)
        assert not broken, broken

    def teardown(self) -> None:
        """Let everything come to its end, unless something has been found already."""
        try:
            if hasattr(self, "flows") and sys.exc_info()[0] is None:
                self.end()
        finally:
            self.stack.close()

    def end(self) -> None:
        """Wake what is paused, close every door, and let time pass until nobody is inside."""
        for which in range(3):
            self.attempt(services.resume, self.flow(which), take_in=True, actor=HOUSE)
        self.world.settle()
        self.ask(lambda name: True)
        for which in range(3):
            self.attempt(services.drain, self.flow(which), actor=HOUSE)
        for who in PEOPLE:  # no loop holds anybody for ever
            self.tell("identify", who, traits={"plan": "free"})
        for browser in BROWSERS:
            self.tell("identify", browser, traits={"plan": "free"})
        for _ in range(12):
            self.world.later("26h")
            while outbox.deliver():
                self.world.settle()
            self.decide(yes=True)
            self.world.settle()
        inside = list(Enrollment.objects.filter(status="active").values("id", "node", "parked", "due_at"))
        assert not inside, f"somebody is forgotten: {inside}"
        states = dict(Flow.objects.values_list("slug", "status"))
        assert set(states.values()) == {"ended"}, states
        assert not Change.objects.exists(), list(Change.objects.values())
        unsettled = list(Message.objects.filter(settled_at=None).values("key", "status", "due_at", "reason"))
        assert not unsettled, unsettled
        self.ask(lambda name: True)


class _Undone(Exception):
    """Nothing of an example stays."""


@contextlib.contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        raise _Undone


def _later(world: World, length: str) -> Any:
    return Duration.parse(length).after(world.at)


UNDECIDED = """
SELECT e.id FROM contacts_event e JOIN contacts_eventname n ON n.id = e.name_id AND n.name = 'Ordered'
JOIN flows_flow f ON f.id = %s AND f.status IN ('running', 'paused')
WHERE NOT EXISTS (SELECT FROM flows_entry y
    WHERE y.flow_id = f.id AND y.source_kind = 'event' AND y.source_id = e.id::text)
"""


def _rows(sql: str, params: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _broken(wanted: Callable[[str], bool]) -> dict[str, list[Any]]:
    """Return what does not hold of what is wanted: one statement for all, and one each for those that are broken."""
    chosen = {name: sql for name, sql in checks() if wanted(name)}
    names = list(chosen)
    asked = " UNION ALL ".join(f"SELECT {at} WHERE EXISTS ({sql})" for at, sql in enumerate(chosen.values()))
    return {names[at]: _rows(chosen[names[at]]) for (at,) in _rows(asked)}


def _turn_clocks(limit: int) -> None:
    standing.pass_time()
    waking.pass_time()
    clocked.pass_time(limit)
    evaluation.pass_time()
    services.end_drained()


WORK: dict[str, Callable[[int], Any]] = {
    "look": evaluation.take_changes,
    "take": intake.take,
    "run": runner.run,
    "again": joining.ask_again,
    "clock": _turn_clocks,
    "send": outbox.deliver,
    "reap": lambda limit: (reaping.reap(), crank.turn_once()),
}
