"""Generated criteria documents, over the names and values that the generated people have."""

from typing import Any

from hypothesis import strategies as st

HOSTILE = ["plan", "gt", "contains", "a__b", "0", "", "é", "in", "isnull", "group.name", "x') OR 1=1--", "%s", '"q"']
DECLARED = {"é": "text", "0": "number", "in": "boolean", "birthday": "date", "seen": "datetime", "tags": "list"}
TEXTS = ["pro", "Pro", "enterprise", "5", "true", "é", "É", "a%b", "x_y", "2026-01-10", "o'c", "\\"]
NUMBERS = [0, 1, 5, 5.0, 5.5, -3, 50.1, 1e15]
DAYS = ["2025-12-31", "2026-01-10", "2026-01-15", "2026-01-16", "2024-02-29", "1990-01-17", "2025-02-28", "2026-01-14"]
INSTANTS = ["2026-01-15T12:00:00Z", "2026-01-14T23:30:00+02:00", "2025-12-15T12:00:00Z", "2026-01-15T12:00:00.000001Z"]
LENGTHS = ["30s", "90m", "24h", "1d", "7d", "4w", "1mo", "1y"]
LONG = ["1d", "7d", "4w", "1mo", "1y"]
EVENTS = ["Order Completed", "Product Added", "a__b"]
PATHS = ["price", "cartId", "note", "a.b", "gt", "when"]
ARRAYS = ["products[].price", "products[].sku", "tags[]"]
NEGATE = st.sampled_from([{}, {}, {}, {"negate": True}, {"negate": False}])

texts, numbers, days, instants = (st.sampled_from(one) for one in (TEXTS, NUMBERS, DAYS, INSTANTS))
moments = st.one_of(days, instants)


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=1, max_size=3)


def pair(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=2, max_size=2).map(sorted)


def said(operators: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"operator": st.sampled_from(operators), "value": values})


nulls = st.sampled_from([{"operator": "is_null"}, {"operator": "is_not_null"}])
case = st.sampled_from([{}, {}, {"caseSensitive": False}, {"caseSensitive": True}])
of_text = st.one_of(
    st.builds(
        lambda one, minding: {**one, **minding},
        st.one_of(
            said(["=", "!=", "contains", "not_contains", "starts_with", "ends_with"], texts),
            said(["in", "not_in"], several(texts)),
            said(["matches"], st.sampled_from(["^p", "o$", "[0-9]", "Pro|pro", "e{1,2}"])),
        ),
        case,
    ),
    nulls,
)
of_number = st.one_of(
    said(["=", "!=", ">", ">=", "<", "<="], numbers),
    said(["between"], pair(numbers)),
    said(["in", "not_in"], several(numbers)),
    nulls,
)
of_boolean = st.one_of(said(["=", "!="], st.booleans()), nulls)
ANNIVERSARY = ["anniversary_in_next", "anniversary_in_last"]
of_date = st.one_of(
    said(["before", "after", "on", "=", "!=", ">", ">=", "<", "<="], days),
    said(["between"], pair(days)),
    said(["in_last", "not_in_last", "in_next", *ANNIVERSARY], st.sampled_from(LONG)),
    nulls,
)
of_datetime = st.one_of(
    said(["before", "after", ">", ">=", "<", "<="], moments),
    said(["on"], days),
    said(["between"], pair(days)),
    said(["between"], st.just(["2025-12-15T12:00:00Z", "2026-01-15T12:00:00Z"])),
    said(["in_last", "not_in_last", "in_next"], st.sampled_from(LENGTHS)),
    said(ANNIVERSARY, st.sampled_from(LONG)),
    nulls,
)
instants_too = st.one_of(of_datetime, said(["=", "!="], moments))
of_list = st.one_of(
    said(["contains_any", "contains_all", "contains_none"], several(st.one_of(texts, numbers, st.booleans()))), nulls
)
contained = said(["contains"], st.one_of(texts, numbers))
undeclared = st.one_of(of_text, of_number, of_boolean, of_datetime, of_list)
BY_TYPE = {
    "text": of_text,
    "number": of_number,
    "boolean": of_boolean,
    "date": of_date,
    "datetime": instants_too,
    "list": st.one_of(of_list, contained),
}


def named(name: str, comparison: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return comparison.map(lambda one: {"propertyName": name, **one})


properties = st.one_of(
    st.sampled_from([*HOSTILE, *DECLARED]).flatmap(
        lambda name: named(f"customProperties.{name}", BY_TYPE.get(DECLARED.get(name, ""), undeclared))
    ),
    st.sampled_from(["email", "firstName", "country", "timezone"]).flatmap(lambda name: named(name, of_text)),
    st.sampled_from(["createdAt", "lastSeenAt"]).flatmap(lambda name: named(name, instants_too)),
    st.sampled_from(["emailSubscribed", "smsSubscribed"]).flatmap(lambda name: named(name, of_boolean)),
).map(lambda one: {"type": "PROPERTY", **one})

windows = st.one_of(
    st.sampled_from(LENGTHS).map(lambda one: {"last": one}),
    st.sampled_from(LENGTHS).map(lambda one: {"beforeLast": one}),
    moments.map(lambda one: {"after": one}),
    moments.map(lambda one: {"before": one}),
    st.just({"from": "2025-12-31", "to": "2026-01-14"}),
    st.just({"from": "2025-12-15T12:00:00Z", "to": "2026-01-14"}),
)
comparisons = st.builds(
    lambda one, negate: {**one, **negate},
    st.sampled_from([*PATHS, *ARRAYS]).flatmap(lambda name: named(name, undeclared)),
    NEGATE,
)
filters = st.recursive(
    comparisons,
    lambda inner: st.builds(
        lambda operator, every, negate: {"operator": operator, "conditions": every, **negate},
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=1, max_size=3),
        NEGATE,
    ),
    max_leaves=4,
)
counted = st.fixed_dictionaries(
    {"operator": st.sampled_from(["=", "!=", ">", ">=", "<", "<="]), "value": st.sampled_from([0, 1, 2, 5, 5.5, 50.1])}
)
aggregates = st.one_of(
    st.builds(lambda f, one: {"function": f, **one}, st.sampled_from(["count", "days"]), counted),
    st.builds(
        lambda f, path, one: {"function": f, "propertyName": path, **one},
        st.sampled_from(["sum", "avg", "min", "max", "distinct"]),
        st.sampled_from(PATHS),
        counted,
    ),
    st.sampled_from([0, 1]).map(lambda low: {"function": "count", "operator": "between", "value": [low, 2]}),
)
followed = st.fixed_dictionaries(
    {"eventName": st.sampled_from(EVENTS)},
    optional={
        "where": filters,
        "within": st.sampled_from(["90m", "24h", "7d"]),
        "negate": st.booleans(),
        "sameProperty": st.sampled_from(["cartId", "price"]),
    },
)
events = st.fixed_dictionaries(
    {"type": st.just("EVENT"), "eventName": st.sampled_from([*EVENTS, "Never Seen"])},
    optional={
        "aggregate": aggregates,
        "window": windows,
        "where": filters,
        "occurrence": st.sampled_from(["any", "first", "last"]),
        "followedBy": followed,
    },
).filter(lambda one: not ("within" in one.get("followedBy", {}) and "last" in one.get("window", {})))
others = st.one_of(
    st.sampled_from(["vip", "staff"]).map(lambda slug: {"type": "SEGMENT", "segment": slug}),
    st.sampled_from(LENGTHS).map(lambda one: {"type": "SEGMENT", "segment": "vip", "for": one}),
    st.builds(
        lambda kind, window: {"type": "SEGMENT", "segment": "vip", "membership": kind, "window": window},
        st.sampled_from(["entered", "left", "ever"]),
        windows,
    ),
    st.just({"type": "SEGMENT", "segment": "vip", "membership": "ever"}),
    st.just({"type": "LIST", "list": "team"}),
    st.builds(
        lambda channel, topic: {"type": "REACHABILITY", "channel": channel, **topic},
        st.sampled_from(["email", "sms", "whatsapp"]),
        st.sampled_from([{}, {"topic": ""}, {"topic": "news"}]),
    ),
    st.builds(
        lambda state: {"type": "FLOW", "flow": "welcome", **state},
        st.sampled_from([{}, *({"state": state} for state in ("active", "completed", "exited", "ever"))]),
    ),
    st.just({"type": "SAMPLE", "percent": 30, "salt": "x"}),
    st.just({"type": "EVERYONE"}),
)
conditions = st.builds(
    lambda one, negate: {**one, **negate}, st.one_of(properties, properties, events, events, others), NEGATE
)
groups = st.recursive(
    st.builds(lambda one: {"operator": "AND", "conditions": [one]}, conditions),
    lambda inner: st.builds(
        lambda operator, every, negate: {"operator": operator, "conditions": every, **negate},
        st.sampled_from(["AND", "OR"]),
        st.lists(st.one_of(conditions, inner), min_size=1, max_size=3),
        NEGATE,
    ),
    max_leaves=5,
)
