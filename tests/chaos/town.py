"""A small town: ten flows, one for each kind of trigger, that between them lead through every kind of node.

The flows start one another. Who turns pro is welcomed and put on a list; the list starts `letters`, which takes them off
it again, which starts `parting`; the welcome changes an attribute, which starts `level`, which starts `club` for
whom a person approves; who is refused there is taken out of `waiting-room`, which another program's call had started.
Everybody orders, has a date, and is in the audience of `noon`, whose end starts `after`. So each person is enrolled ten
times. Guests are erased by a flow, wanderers come anonymously and turn out to be somebody, loopers order until they are stopped.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client

from contacts.declaring import declare_attribute
from contacts.models import Contact, List
from contacts.services import create_list
from flows import approving, hooks
from flows.models import Flow
from flows.services import activate, create_flow, drafts, drain, pause, publish_flow, resume
from messaging.services import create_template, ensure_defaults, publish_template
from segmentation import copying
from segmentation.destinations import create_destination, send_test
from segmentation.evaluation import recompute_all, recompute_waiting
from segmentation.models import Destination, Segment
from segmentation.services import create_segment, freeze_segment
from tests.chaos.story import NAMES, ORDERED, Scale, feed, golden, person, regular, silent
from workspace import clock, reviews
from workspace.approval import NeedsApproval
from workspace.audit import HOUSE, Actor
from workspace.filing import file_it
from workspace.keys import make_key
from workspace.models import Review, Workspace
from workspace.problems import Refused

Settings = dict[str, Any]
T = TypeVar("T")
TOO_MANY = 25  # orders of a looper within the hour, of which the flow takes twenty journeys at most
TAKEN = 20
PER_PERSON = ("welcome", "thanks", "letters", "parting", "level", "club", "waiting-room", "renewal", "noon", "after")


def wanderer(number: int) -> bool:
    """Tell whether a person came by anonymously before they said who they are."""
    return number % 25 == 7


def looper(number: int) -> bool:
    """Tell whether a person orders again and again within the hour."""
    return number % 100 == 50


def refused(contact_id: int) -> bool:
    """Tell whether the club refuses a person."""
    return contact_id % 5 == 0


def orders(number: int) -> int:
    """Return how many journeys a person's orders start."""
    return min(TAKEN, 1 + regular(number) + wanderer(number) + TOO_MANY * looper(number))


def enrollments(people: int) -> int:
    """Return how many enrollments all of this comes to."""
    return (len(PER_PERSON) - 1) * people + guests(people) + sum(map(orders, range(people)))


def guests(people: int) -> int:
    """Return how many guests come at noon, to be erased."""
    return people // 20 + 3


def prepare(web: int, people: int) -> None:
    """Make everything that stands before the first person comes; `web` is the port of the web server outside."""
    ensure_defaults()
    make_things(f"http://127.0.0.1:{web}")
    for slug, (trigger, way, settings) in flows(f"http://127.0.0.1:{web}", people).items():
        start(slug, trigger, way, settings)
    make_errands()


def make_things(outside: str) -> None:
    """Make lists, topics, templates, segments, a date, a destination."""
    create_list(name="Letters", slug="letters", actor=HOUSE)
    made = create_template(
        name="Gold", slug="gold", subject="For {{ contact.firstName }}", body="<p>Gold.</p>", actor=HOUSE
    )
    publish_template(made, actor=HOUSE)
    declare_attribute(name="renewal", type="datetime", actor=HOUSE)
    pro = {"operator": "AND", "conditions": [is_("customProperties.plan", "pro")]}
    segment = create_segment(name="Pros", slug="pros", kind="dynamic", criteria=pro, actor=HOUSE)
    for slug in ("alumni", "queue"):
        create_segment(name=slug.title(), slug=slug, kind="static", actor=HOUSE)
    recompute_waiting()
    create_destination(name="CRM", slug="crm", segment=segment, url=f"{outside}/crm", actor=HOUSE)


def is_(name: str, value: Any, operator: str = "=") -> dict[str, Any]:
    """Return a condition about an attribute."""
    return {"type": "PROPERTY", "propertyName": name, "operator": operator, "value": value}


def count(event: str, least: int = 1) -> dict[str, Any]:
    """Return a condition about how often somebody did something."""
    return {"type": "EVENT", "eventName": event, "aggregate": {"function": "count", "operator": ">=", "value": least}}


def adds(attribute: str) -> Settings:
    """Return the settings of a step that adds one to an attribute."""
    return {"changes": [{"attribute": f"customProperties.{attribute}", "increment": 1}]}


def texts(body: str) -> Settings:
    """Return the settings of a text for which nobody needs to have agreed."""
    return {"body": body, "transactional": True}


def flows(outside: str, people: int) -> dict[str, tuple[tuple[str, Settings], str, dict[str, tuple[str, Settings]]]]:
    """Return the flows but for `noon`: trigger, ways (`a:port>b`), and the other nodes by key."""
    level = [{"attribute": "customProperties.level", "set": "gold"}]
    heard = {"attribute": "customProperties.heard", "set": {"answer": "hook.body.ok"}}
    counted = {"attribute": "customProperties.journeys", "increment": 1}
    return {
        "welcome": (
            ("contact_segment", {"segment": "pros", "when": "enters"}),
            "start>pause pause>kind kind:gold>gold kind:else>text gold>hook hook>mark hook:failed>mark text>named"
            " mark>keep named>keep",
            {
                "pause": ("wait", {"duration": "2s"}),
                "kind": ("split", {"branches": [{"port": "gold", "criteria": is_("customProperties.tier", "gold")}]}),
                "gold": ("send_email", {"template": "gold"}),
                "hook": ("webhook", {"url": f"{outside}/hook"}),
                "mark": ("update_contact", {"changes": [*level, heard, counted]}),
                "text": ("send_sms", texts("Hello {{ contact.firstName }}")),
                "named": ("update_contact", {"changes": [*level, counted]}),
                "keep": ("add_to_list", {"list": "letters"}),
            },
        ),
        "thanks": (
            ("event", {"event_name": ORDERED, "entry_key": "orderId"}),
            "start>hours hours>shares shares:a>whatsapp shares:b>push shares:holdout>onsite whatsapp>said push>said"
            " onsite>said said>counted",
            {
                "hours": ("time_window", {"opens": "00:00", "closes": "23:59", "days": []}),
                "shares": ("random_split", {"branches": [{"port": "a"}, {"port": "b"}], "holdout": 30}),
                "whatsapp": ("send_whatsapp", texts("Thanks")),
                "push": ("send_push", {**texts("Thanks"), "subject": "Thanks"}),
                "onsite": ("send_onsite", {**texts("Thanks"), "subject": "Thanks"}),
                "said": ("record_event", {"event": "Thanked"}),
                "counted": ("update_contact", adds("journeys")),
            },
        ),
        "letters": (
            ("list_added", {"list": "letters"}),
            "start>yes yes>test test:a>staff test:b>off staff>off",
            {
                "yes": ("subscribe", {"channel": "sms", "topic": "news"}),
                "test": ("ab_test", {"event_name": "Thanked"}),
                "staff": ("notify_staff", {"addresses": "desk@example.com", "subject": "A letter"}),
                "off": ("remove_from_list", {"list": "letters"}),
            },
        ),
        "parting": (
            ("list_removed", {"list": "letters"}),
            "start>no no>alumni alumni>done",
            {
                "no": ("unsubscribe", {"channel": "sms", "topic": "news"}),
                "alumni": ("add_to_segment", {"segment": "alumni"}),
                "done": ("exit", {"reason": "read"}),
            },
        ),
        "waiting-room": (
            ("webhook_received", {"user_id": "customer.id", "properties": {"call": "call"}}),
            "start>hear",
            {"hear": ("wait_for", {"what": "criteria", "criteria": count("Thanked"), "timeout": "1h"})},
        ),
        "club": (
            ("manual", {}),
            "start>ask ask>crm ask:refused>out crm>off",
            {
                "ask": ("approval", {"question": "May they?"}),
                "crm": ("export", {"destination": "crm"}),
                "off": ("remove_from_segment", {"segment": "queue"}),
                "out": ("leave_flow", {"flow": "waiting-room"}),
            },
        ),
        "level": (
            ("attribute_changed", {"attribute": "customProperties.level", "becomes": "gold"}),
            "start>gate gate>queue queue>club",
            {
                "gate": ("rate_limit", {"count": max(5, people // 5), "interval": "1s"}),
                "queue": ("add_to_segment", {"segment": "queue"}),
                "club": ("start_flow", {"flow": "club"}),
            },
        ),
        "renewal": (
            ("date_attribute", {"attribute": "customProperties.renewal", "time": ""}),
            "start>ready ready>round round>count count>more more:again>back back>round more:else>aim",
            {
                "ready": (
                    "wait_until",
                    {
                        "until": "attribute",
                        "attribute": "customProperties.renewal",
                        "offset": "2s",
                        "direction": "after",
                    },
                ),
                "round": ("wait", {"duration": "1s"}),
                "count": ("update_contact", adds("rounds")),
                "more": (
                    "split",
                    {"branches": [{"port": "again", "criteria": is_("customProperties.rounds", 3, "<")}]},
                ),
                "back": ("jump", {"to": "round"}),
                "aim": ("goal", {"what": "event", "event_name": ORDERED}),
            },
        ),
    }


def noon(at: str) -> tuple[tuple[str, Settings], str, dict[str, tuple[str, Settings]]]:
    """Return the flow that comes by the clock, for everybody who is there."""
    return (
        ("schedule", {"starts": at, "audience": {"type": "EVERYONE"}}),
        "start>who who:guest>bye bye>erase who:else>stay",
        {
            "who": ("split", {"branches": [{"port": "guest", "criteria": is_("customProperties.plan", "guest")}]}),
            "bye": ("send_email", {"subject": "Goodbye", "body": "<p>Goodbye</p>", "transactional": True}),
            "erase": ("delete_contact", {"sure": True}),
            "stay": ("goal", {"what": "criteria", "criteria": is_("customProperties.plan", "pro")}),
            "paper": ("note", {"text": "Guests leave nothing behind."}),
        },
    )


def start(slug: str, trigger: tuple[str, Settings], way: str, nodes: dict[str, tuple[str, Settings]]) -> Flow:
    """Make a flow and let it run."""
    every = {"start": trigger, **nodes}
    draft = {
        "nodes": [{"id": key, "kind": kind, "settings": said} for key, (kind, said) in every.items()],
        "edges": [edge(*one.split(">")) for one in way.split()],
    }
    flow = create_flow(name=slug.title(), slug=slug, draft=draft, actor=HOUSE)
    return activate(flow, settings={"entry": "new"}, actor=HOUSE)


def edge(source: str, target: str) -> dict[str, str]:
    """Return an edge: `a:port`, and where it leads."""
    source, _, port = source.partition(":")
    return {"from": source, "port": port or "next", "to": target}


# Who comes --------------------------------------------------------------------------------------------------------------


def morning(people: int, batch: int = 25, pause: float = 0.0) -> None:
    """Everybody turns pro and orders; wanderers order before anybody knows who they are."""
    scale = Scale(people, batch, pause)
    feed(_morning(scale), scale.pause)


def _morning(scale: Scale) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, scale.people, scale.batch):
        numbers = range(first, min(first + scale.batch, scale.people))
        yield [_order(number, "anon", anonymousId=f"browser-{number}") for number in numbers if wanderer(number)] or [
            _identify(first, "am")
        ]
        yield [item for number in numbers for item in (_identify(number, "am"), _order(number, "am"))]


def afternoon(people: int, batch: int = 25) -> None:
    """Regulars order again, loopers order far too often; once all are known, for who is not has no number for texts."""
    while surely(Contact.objects.exclude(phone="").exclude(merged_into__isnull=False).count) < people:
        time.sleep(0.2)
    items = [_order(number, "pm") for number in range(people) if regular(number)]
    items += [_order(number, f"loop{n}") for number in range(people) if looper(number) for n in range(TOO_MANY)]
    feed((items[first : first + batch] for first in range(0, len(items), batch)), 0.0)


def _identify(number: int, when: str) -> dict[str, Any]:
    renewal = time.time() + 8
    traits = {
        "firstName": NAMES[number % 10],
        "email": f"{person(number)}@example.com",
        "phone": f"+3161234{number:04d}",
        "plan": "pro",
        "tier": "gold" if golden(number) else "plain",
        "renewal": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(renewal)),
    }
    consent = {} if silent(number) else {"emailSubscribed": True}
    anonymous = {"anonymousId": f"browser-{number}"} if wanderer(number) else {}
    said = {"type": "identify", "messageId": f"plan-{when}-{number}", "userId": person(number), **anonymous}
    return {**said, "traits": {**traits, **consent}}


def _order(number: int, when: str, **who: Any) -> dict[str, Any]:
    order = f"{when}-{number}"
    said = {"type": "track", "messageId": f"order-{order}", "event": ORDERED, "properties": {"orderId": order}}
    return {**said, **(who or {"userId": person(number)})}


def ring(people: int) -> None:
    """Another program calls the address of `waiting-room` for everybody, each call again until it is taken."""
    address = "/v1/hooks/" + hooks.address_of(Flow.objects.get(slug="waiting-room")).split("/v1/hooks/")[1]
    door = Client(raise_request_exception=False)
    for number in range(people):
        said = {"customer": {"id": person(number)}, "call": number}
        while _status(door, address, said, f"call-{number}") != 200:
            time.sleep(0.1)


def _status(door: Client, address: str, said: Any, key: str, **headers: str) -> int:
    try:
        answer = door.post(address, said, "application/json", headers={"webhook-id": key, **headers})
    except (OperationalError, InterfaceError):
        connection.close()
        return 503
    if answer.status_code >= 500:  # a test's client leaves a connection that broke as it is
        connection.close()
    return int(answer.status_code)


def midday(people: int, batch: int = 25) -> None:
    """Guests come, and in a moment it is noon for everybody."""
    items = [
        {
            "type": "identify",
            "messageId": f"guest-{n}",
            "userId": f"guest-{n}",
            "traits": {"email": f"guest-{n}@example.com", "plan": "guest"},
        }
        for n in range(guests(people))
    ]
    feed((items[first : first + batch] for first in range(0, len(items), batch)), 0.0)
    surely(_start_noon)


def _start_noon() -> None:
    for seconds in (8, 30, 120):  # a slow machine comes to it when it is past, and says another time
        with suppress(Refused), transaction.atomic():
            if not Flow.objects.filter(slug="after").exists():
                start("noon", *noon(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(clock.now().timestamp() + seconds))))
                done = ("flow_finished", {"flow": "noon", "outcome": "completed"})
                start("after", done, "start>counted", {"counted": ("update_contact", adds("journeys"))})
            return


def surely(do: Callable[[], T]) -> T:
    """Do it, again when the database went away meanwhile."""
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.2)


# Who works there ----------------------------------------------------------------------------------------------------------


def approve() -> None:
    """Decide forever about those who wait for it."""
    while True:
        surely(_decide)
        time.sleep(0.2)


def _decide() -> None:
    waits = list(approving.waiting().values_list("pk", "contact_id")[:200])
    for yes in (True, False):
        chosen = [pk for pk, contact in waits if refused(contact) is not yes]
        if chosen:
            approving.decide(chosen, approved=yes, actor=HOUSE)


def rest(seconds: float) -> list[str]:
    """Pause `welcome` for a while with its clock held, and return between which instants it certainly stood."""
    flow = surely(lambda: pause(Flow.objects.get(slug="welcome"), actor=HOUSE))
    stood = [surely(clock.now).isoformat()]
    time.sleep(seconds)
    stood.append(surely(clock.now).isoformat())
    surely(lambda: _wake(flow))
    return stood


def _wake(flow: Flow) -> None:
    if Flow.objects.get(pk=flow.pk).status == "paused":
        resume(flow, take_in=True, actor=HOUSE)


def edit(inside: str) -> int:
    """Publish other words of `letters`; those inside finish or move. Return the version's number."""
    return surely(lambda: _edit(inside))


def _edit(inside: str) -> int:
    flow = Flow.objects.get(slug="letters")
    words = {"addresses": "desk@example.com", "subject": f"A letter {random.random()}"}
    drafts.change_node(flow, "staff", settings=words)
    return int(publish_flow(flow, inside=inside, actor=HOUSE).number)


def close() -> str:
    """Let nobody into `waiting-room` any more, and return the instant since when."""
    surely(lambda: drain(Flow.objects.get(slug="waiting-room"), actor=HOUSE))
    return str(surely(clock.now).isoformat())


# Errands: each comes to points where nobody else comes by ---------------------------------------------------------------


def make_errands() -> None:
    """Let a flow wait for another person's word, by whom it was asked."""
    create_flow(name="Side", slug="side", draft=_side(), actor=HOUSE)
    people = [User.objects.create_superuser(name, f"{name}@example.com", "x") for name in ("ann", "ben")]
    Workspace.objects.update(approvals={"flows": True})
    try:
        activate(Flow.objects.get(slug="side"), actor=Actor(user_id=people[0].pk))
    except NeedsApproval as needed:
        file_it(needed)


def _side() -> dict[str, Any]:
    return {"nodes": [{"id": "start", "kind": "manual", "settings": {}}], "edges": []}


def review() -> str:
    """Approve what was asked for, unless that has been done, and say how the flow stands."""
    held = Review.objects.get()
    if held.status == Review.Status.REQUESTED:
        reviews.approve(held, actor=Actor(user_id=User.objects.get(username="ben").pk))
    return Flow.objects.get(slug="side").status


def ask_once(secret: str) -> list[int]:
    """Make a list through the API under one Idempotency-Key, twice; return the answers and how many such lists there are."""
    door = Client(raise_request_exception=False)
    said = {"name": "Asked once", "slug": "asked-once"}
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "asked-once"}
    answers = [_status(door, "/api/v1/lists/", said, "asked-once", **headers) for _ in range(2)]
    return [*answers, List.objects.filter(slug="asked-once").count()]


def key() -> str:
    """Make a key for the API and return its secret."""
    return make_key(name="Once", scope="manage", actor=HOUSE)[1]


def copy() -> int:
    """Freeze who is pro, unless that was asked for, and return how many those are."""
    source = Segment.objects.get(slug="pros")
    copying.FEW = 0  # a worker makes it, as it does of a crowd
    if not source.memberships.exists():
        return 0
    if not Segment.objects.filter(slug="frozen").exists():
        frozen = freeze_segment(source, name="Frozen", actor=HOUSE)
        Segment.objects.filter(pk=frozen.pk).update(slug="frozen")
    copying.work()
    return Contact.objects.filter(memberships__segment__slug="frozen").count()


def test_destination() -> None:
    """Give a courier something to carry."""
    surely(lambda: send_test(Destination.objects.get(slug="crm"), actor=HOUSE))


def recompute() -> None:
    """Recompute every segment."""
    recompute_all()


ROLES = {
    f"town_{one.__name__}": one
    for one in (
        prepare, morning, afternoon, ring, midday, approve, rest, edit, close, review, ask_once, key, copy, recompute,
        test_destination,
    )
}  # fmt: skip
