"""What criteria mean, in plain Python: written from the documents that define the language, never from the compiler."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

ZONES = available_timezones()
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
OPPOSITES = {
    "!=": "=",
    "not_contains": "contains",
    "not_in": "in",
    "is_not_null": "is_null",
    "not_in_last": "in_last",
    "contains_none": "contains_any",
}
COLUMNS = ("email", "phone", "firstName", "lastName", "country", "city", "language", "timezone")


@dataclass
class Did:
    """An event."""

    id: int
    name: str
    at: datetime
    properties: dict[str, Any]


@dataclass
class Person:
    """Everything that is known of one contact."""

    id: int
    columns: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    last_seen_at: datetime | None = None
    consents: dict[str, str] = field(default_factory=dict)
    events: list[Did] = field(default_factory=list)
    lists: set[str] = field(default_factory=set)
    topics: dict[tuple[str, str], str] = field(default_factory=dict)  # channel and topic → status
    reachable: set[str] = field(default_factory=set)  # channels with an address that is not suppressed
    flows: list[tuple[str, str]] = field(default_factory=list)  # flow and status of each enrollment
    segments: dict[str, datetime] = field(default_factory=dict)
    moves: list[tuple[str, str, datetime]] = field(default_factory=list)
    lost: list[list[tuple[str, str, datetime]]] = field(
        default_factory=list
    )  # the moves of each who was merged into it
    alive: bool = True


@dataclass
class World:
    """What is declared, and where the house stands."""

    declared: dict[str, str]
    zone: str


def matches(person: Person, document: dict[str, Any], at: datetime, world: World) -> bool:
    """Say whether a person who still stands matches a document at an instant."""
    return person.alive and holds(person, document, at, world)


def holds(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    if "type" in node:
        answer = KINDS[node["type"]](person, node, at, world)
    else:
        answers = [holds(person, one, at, world) for one in node["conditions"]]
        answer = all(answers) if node["operator"] == "AND" else any(answers)
    return answer != node.get("negate", False)


def a_property(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    name = node["propertyName"]
    zone = zone_of(person, world)
    folded = not node.get("caseSensitive", name != "email")
    if name.startswith("customProperties."):
        path = name.removeprefix("customProperties.")
        return compared(walk(person.attributes, path), node, world.declared.get(path), at, zone, folded)
    if name in COLUMNS:
        return compared(person.columns.get(name), node, "text", at, zone, folded)
    if name in ("createdAt", "lastSeenAt"):
        value = person.created_at if name == "createdAt" else person.last_seen_at
        return compared(value, node, "datetime", at, zone, folded)
    status = person.consents.get(
        {"email": "email", "sms": "sms", "whatsapp": "whatsapp"}[name.removesuffix("Subscribed")]
    )
    return compared(None if status is None else status == "subscribed", node, "boolean", at, zone, folded)


def zone_of(person: Person, world: World) -> str:
    zone = person.columns.get("timezone", "")
    return zone if zone in ZONES else world.zone


def walk(value: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spoken_type(operator: str, value: Any) -> str:
    """Return the type that an operator and its value speak of, for a property that nobody declared."""
    if operator in ("contains_any", "contains_all", "contains_none"):
        return "list"
    if operator in ("before", "after", "on", "in_last", "not_in_last", "in_next"):
        return "datetime"
    if operator.startswith("anniversary"):
        return "date"
    one = value[0] if isinstance(value, list) else value
    if isinstance(one, bool):
        return "boolean"
    if is_number(one):
        return "number"
    return "datetime" if operator in (">", ">=", "<", "<=", "between") else "text"


def compared(value: Any, node: dict[str, Any], declared: str | None, at: datetime, zone: str, folded: bool) -> bool:
    operator, wanted = node["operator"], node.get("value")
    if operator in OPPOSITES:
        return not compared(
            value,
            {**node, "operator": OPPOSITES[operator]},
            declared or spoken_type(operator, wanted),
            at,
            zone,
            folded,
        )
    if operator == "is_null":
        return value is None or value == ""
    kind = declared or spoken_type(operator, wanted)
    lenient = declared != "date"
    return BY_TYPE[kind](value, operator, wanted, at, zone, folded, lenient)


def text(value: Any, operator: str, wanted: Any, at: datetime, zone: str, folded: bool, lenient: bool) -> bool:
    if not isinstance(value, str) or value == "":
        return False
    if operator == "matches":
        return re.search(wanted, value, re.IGNORECASE if folded else 0) is not None
    if folded:
        value = value.lower()
        wanted = [one.lower() for one in wanted] if isinstance(wanted, list) else wanted.lower()
    return {
        "=": lambda: value == wanted,
        "contains": lambda: wanted in value,
        "starts_with": lambda: value.startswith(wanted),
        "ends_with": lambda: value.endswith(wanted),
        "in": lambda: value in wanted,
    }[operator]()


def number(value: Any, operator: str, wanted: Any, at: datetime, zone: str, folded: bool, lenient: bool) -> bool:
    return is_number(value) and ordered(Decimal(str(value)), operator, exact(wanted))


def exact(wanted: Any) -> Any:
    return [Decimal(str(one)) for one in wanted] if isinstance(wanted, list) else Decimal(str(wanted))


def ordered(value: Any, operator: str, wanted: Any) -> bool:
    if operator == "between":
        return bool(wanted[0] <= value <= wanted[1])
    if operator == "in":
        return value in wanted
    return bool(
        {
            "=": lambda: value == wanted,
            ">": lambda: value > wanted,
            ">=": lambda: value >= wanted,
            "<": lambda: value < wanted,
            "<=": lambda: value <= wanted,
        }[operator]()
    )


def boolean(value: Any, operator: str, wanted: Any, at: datetime, zone: str, folded: bool, lenient: bool) -> bool:
    return isinstance(value, bool) and value == wanted


def a_list(value: Any, operator: str, wanted: Any, at: datetime, zone: str, folded: bool, lenient: bool) -> bool:
    items = [token(one) for one in value] if isinstance(value, list) else []
    asked = [token(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
    if operator == "contains_all":
        return all(one in items for one in asked)
    return any(one in items for one in asked)


def token(value: Any) -> Any:
    """Make 1 and true different, as they are in JSON."""
    if isinstance(value, bool):
        return ("bool", value)
    return ("number", Decimal(str(value))) if is_number(value) else ("other", repr(value))


def an_instant(value: Any) -> datetime | None:
    """Read a stored instant; one without a zone is UTC, a day is its midnight in UTC."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(
        r"[12]\d{3}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", value
    ):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def a_day(value: Any, zone: str, lenient: bool) -> date | None:
    """Read a stored day: as written, or the contact's calendar day of an instant where that is taken too."""
    if isinstance(value, str) and len(value) == 10:
        read = an_instant(value)
        return read.date() if read else None
    read = an_instant(value) if lenient else None
    return read.astimezone(ZoneInfo(zone)).date() if read else None


def moment(value: Any, operator: str, wanted: Any, at: datetime, zone: str, folded: bool, lenient: bool) -> bool:
    """Compare instants or, where the criteria name days, days of the contact's calendar."""
    if operator in ("in_last", "in_next"):
        instant = an_instant(value)
        if instant is None:
            return False
        return step(at, wanted, -1) < instant <= at if operator == "in_last" else at < instant <= step(at, wanted, 1)
    one = wanted[0] if isinstance(wanted, list) else wanted
    if operator.startswith("anniversary") or len(one) == 10:
        return day(value, operator, wanted, at, zone, folded, lenient)
    instant = an_instant(value)
    read = [datetime.fromisoformat(x) for x in wanted] if isinstance(wanted, list) else datetime.fromisoformat(wanted)
    return instant is not None and ordered(instant, {"before": "<", "after": ">"}.get(operator, operator), read)


def day(value: Any, operator: str, wanted: Any, at: datetime, zone: str, folded: bool, lenient: bool) -> bool:
    born = a_day(value, zone, lenient)
    if born is None:
        return False
    today = at.astimezone(ZoneInfo(zone)).date()
    if operator in ("in_last", "in_next"):
        return in_days(born, operator, wanted, today)
    if operator.startswith("anniversary"):
        returns = [again(born, year) for year in range(today.year - 2, today.year + 3)]
        return any(one > born and in_days(one, operator.removeprefix("anniversary_"), wanted, today) for one in returns)
    read = [date.fromisoformat(x) for x in wanted] if isinstance(wanted, list) else date.fromisoformat(wanted)
    return ordered(born, {"before": "<", "after": ">", "on": "="}.get(operator, operator), read)


def again(born: date, year: int) -> date:
    return (
        born.replace(year=year, day=28) if (born.month, born.day) == (2, 29) and year % 4 else born.replace(year=year)
    )


def in_days(value: date, operator: str, wanted: str, today: date) -> bool:
    sign = -1 if operator == "in_last" else 1
    far = step(datetime(today.year, today.month, today.day, tzinfo=UTC), wanted, sign).date()
    return far < value <= today if operator == "in_last" else today < value <= far


def step(at: datetime, duration: str, sign: int) -> datetime:
    """Go a duration on or back; a calendar step keeps the time of day and stays within the month."""
    count, unit = re.fullmatch(r"(\d+)([a-z]+)", duration).groups()  # type: ignore[union-attr]
    if unit in UNITS:
        return at + sign * timedelta(seconds=int(count) * UNITS[unit])
    months = at.year * 12 + at.month - 1 + sign * int(count) * (12 if unit == "y" else 1)
    for day_of_month in range(at.day, 0, -1):
        try:
            return at.replace(year=months // 12, month=months % 12 + 1, day=day_of_month)
        except ValueError:
            continue
    raise AssertionError


BY_TYPE = {"text": text, "number": number, "boolean": boolean, "list": a_list, "datetime": moment, "date": day}


def an_event(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    zone = zone_of(person, world)
    ever = sorted((one for one in person.events if one.at <= at), key=lambda one: (one.at, one.id))
    mine = [one for one in ever if one.name == node["eventName"]]
    if node.get("occurrence", "any") != "any":
        mine = mine[:1] if node["occurrence"] == "first" else mine[-1:]
    mine = [one for one in mine if in_window(one.at, node.get("window"), at, zone)]
    if where := node.get("where"):
        mine = [one for one in mine if filtered(one.properties, where, at, zone)]
    if followed := node.get("followedBy"):
        mine = [one for one in mine if is_followed(one, followed, ever, at, zone)]
    return aggregated(mine, node.get("aggregate", {}), zone)


def in_window(when: datetime, window: dict[str, str] | None, at: datetime, zone: str) -> bool:
    if not window:
        return True
    if "last" in window:
        return step(at, window["last"], -1) < when <= at
    if "beforeLast" in window:
        return when <= step(at, window["beforeLast"], -1)
    local = when.astimezone(ZoneInfo(zone)).date()

    def is_after(end: str, *, too: bool) -> bool:
        value, mark = (local, date.fromisoformat(end)) if len(end) == 10 else (when, datetime.fromisoformat(end))
        return value >= mark if too else value > mark  # type: ignore[operator]

    if "after" in window:
        return is_after(window["after"], too=False)
    if "before" in window:
        return not is_after(window["before"], too=True)
    return is_after(window["from"], too=True) and not is_after(window["to"], too=False)


def aggregated(mine: list[Did], aggregate: dict[str, Any], zone: str) -> bool:
    function = aggregate.get("function", "count")
    path = aggregate.get("propertyName", "")
    values = [walk(one.properties, path) for one in mine] if path else []
    numbers = [Decimal(str(one)) for one in values if is_number(one)]
    measured: Any = {
        "count": lambda: Decimal(len(mine)),
        "days": lambda: Decimal(len({one.at.astimezone(ZoneInfo(zone)).date() for one in mine})),
        "distinct": lambda: Decimal(len({thing(one) for one in values if one not in (None, "")})),
        "sum": lambda: sum(numbers, Decimal(0)),
        "avg": lambda: sum(numbers, Decimal(0)) / len(numbers) if numbers else None,
        "min": lambda: min(numbers, default=None),
        "max": lambda: max(numbers, default=None),
    }[function]()
    operator, wanted = aggregate.get("operator", ">="), aggregate.get("value", 1)
    positive = measured is not None and ordered(measured, OPPOSITES.get(operator, operator), exact(wanted))
    return positive != (operator in OPPOSITES)


def thing(value: Any) -> Any:
    return token(value) if not isinstance(value, dict | list) else ("json", repr(value))


def filtered(properties: dict[str, Any], where: dict[str, Any], at: datetime, zone: str) -> bool:
    if "conditions" not in where:
        return an_answer([where], "AND", properties, at, zone) != where.get("negate", False)
    alone, together = [], {}
    for one in where["conditions"]:
        arrays = crossings(one)
        if len(arrays) == 1 and None not in arrays:
            together.setdefault(arrays.pop(), []).append(one)
        else:
            alone.append(one)
    answers = [filtered(properties, one, at, zone) for one in alone]
    answers += [an_answer(every, where["operator"], properties, at, zone) for every in together.values()]
    return (all(answers) if where["operator"] == "AND" else any(answers)) != where.get("negate", False)


def crossings(where: dict[str, Any]) -> set[str | None]:
    """Return the arrays that the comparisons of a filter cross; None stands for one outside arrays, or a negation."""
    if where.get("negate"):
        return {None}
    if "conditions" not in where:
        path, mark, _ = where["propertyName"].partition("[]")
        return {path if mark else None}
    return set().union(*(crossings(one) for one in where["conditions"]))


def an_answer(every: list[dict[str, Any]], operator: str, properties: dict[str, Any], at: datetime, zone: str) -> bool:
    """Ask comparisons of the properties themselves or, across an array, of one of its elements together."""
    first = every[0]
    while "conditions" in first:
        first = first["conditions"][0]
    path, mark, _ = first["propertyName"].partition("[]")
    if not mark:
        return asked(walk(properties, path), first, at, zone)
    items = walk(properties, path)
    join = all if operator == "AND" else any
    return any(
        join(of_element(item, one, at, zone) for one in every) for item in (items if isinstance(items, list) else [])
    )


def of_element(item: Any, one: dict[str, Any], at: datetime, zone: str) -> bool:
    """Ask one element of an array a comparison, or a whole group."""
    if "conditions" in one:
        join = all if one["operator"] == "AND" else any
        return join(of_element(item, inner, at, zone) for inner in one["conditions"])
    below = one["propertyName"].partition("[]")[2].removeprefix(".")
    return asked(walk(item, below) if below else item, one, at, zone)


def asked(value: Any, node: dict[str, Any], at: datetime, zone: str) -> bool:
    return compared(value, node, None, at, zone, not node.get("caseSensitive", True))


def is_followed(first: Did, followed: dict[str, Any], ever: list[Did], at: datetime, zone: str) -> bool:
    within = followed.get("within")
    later = [one for one in ever if one.name == followed["eventName"] and (one.at, one.id) > (first.at, first.id)]
    if within:
        later = [one for one in later if one.at <= step(first.at, within, 1)]
    if same := followed.get("sameProperty"):
        mine = walk(first.properties, same)
        later = [one for one in later if mine not in (None, "") and thing(walk(one.properties, same)) == thing(mine)]
    if where := followed.get("where"):
        later = [one for one in later if filtered(one.properties, where, at, zone)]
    if not followed.get("negate"):
        return bool(later)
    return not later and (within is None or first.at <= step(at, within, -1))


def a_segment(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    kind, slug = node.get("membership", "now"), node["segment"]
    if kind == "now":
        since = person.segments.get(slug)
        return since is not None and ("for" not in node or since <= step(at, node["for"], -1))
    wanted, zone = "exited" if kind == "left" else "entered", zone_of(person, world)
    if kind == "ever" and "window" in node:
        return any(overlaps(stay, node["window"], at, zone) for stay in stays(person, slug))
    return any(
        (where, what) == (slug, wanted) and when <= at and in_window(when, node.get("window"), at, zone)
        for moves in (person.moves, *person.lost)
        for where, what, when in moves
    )


TICK = timedelta(microseconds=1)


def stays(person: Person, slug: str) -> list[tuple[datetime, datetime | None]]:
    """Return each stay in a segment: when it began, and when it ended if it has."""
    found: list[tuple[datetime, datetime | None]] = []
    for moves in (person.moves, *person.lost):
        came = [when for where, kind, when in moves if (where, kind) == (slug, "entered")]
        went = [when for where, kind, when in moves if where == slug and kind != "entered"]
        found += [(begun, went[n] if n < len(went) else None) for n, begun in enumerate(came)]
    return found


def overlaps(stay: tuple[datetime, datetime | None], window: dict[str, str], at: datetime, zone: str) -> bool:
    """Say whether some instant of a stay up to now lies in a window: its first, its last, or one of the window's own ends."""
    begun, ended = stay
    last = at if ended is None else min(ended - TICK, at)
    if begun > last:
        return False
    return (
        in_window(begun, window, at, zone) or in_window(last, window, at, zone) or spans(begun, last, window, at, zone)
    )


def spans(begun: datetime, last: datetime, window: dict[str, str], at: datetime, zone: str) -> bool:
    """Say whether a window that holds neither end of a stay lies inside it."""
    if "from" not in window:
        return False  # a window with one end that lies in a stay holds one of the stay's ends
    end = window["from"]
    first = datetime.fromisoformat(end)
    if len(end) == 10:
        first = datetime.combine(date.fromisoformat(end), time(), ZoneInfo(zone))
    return begun <= first <= last and in_window(first.astimezone(UTC), window, at, zone)


def a_sample(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    digest = hashlib.md5(f"{node.get('salt', '')}:{person.id}".encode()).hexdigest()
    return int(digest[:7], 16) < Decimal(str(node["percent"])) / 100 * 16**7


def a_reach(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    channel, topic = node["channel"], node.get("topic", "")
    said = person.topics.get((channel, topic)) if topic else person.consents.get(channel)
    return channel in person.reachable and said == "subscribed" and person.consents.get(channel) != "unsubscribed"


def a_flow(person: Person, node: dict[str, Any], at: datetime, world: World) -> bool:
    state = node.get("state", "active")
    return any(slug == node["flow"] and state in ("ever", status) for slug, status in person.flows)


KINDS = {
    "REACHABILITY": a_reach,
    "FLOW": a_flow,
    "PROPERTY": a_property,
    "EVENT": an_event,
    "SEGMENT": a_segment,
    "LIST": lambda person, node, at, world: node["list"] in person.lists,
    "SAMPLE": a_sample,
    "EVERYONE": lambda person, node, at, world: True,
}
