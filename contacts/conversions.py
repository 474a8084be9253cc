"""How stored values are read as a type, as SQL: the same reading as contacts.types does of what arrives."""

# ruff: noqa: S608 - the texts put into statements are constants of this module

import re

from contacts.models import AttributeType as T
from contacts.storing import run

CONVERTED = (T.NUMBER, T.BOOLEAN)
DATED = (T.DATE, T.DATETIME)
_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$"
_DAY = "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_ZONE = "(Z|[+-][0-9]{2}:?[0-9]{2})$"
_INSTANT = rf"{_DAY[:-1]}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?$"
_IS_DAY = f"({{t}} ~ '{_DAY}' AND pg_input_is_valid({{t}}, 'date'))"
_IS_INSTANT = f"({{t}} ~ '{_INSTANT}' AND pg_input_is_valid({{t}}, 'timestamptz'))"
_FITS = {
    T.TEXT: "jsonb_typeof({v}) = 'string'",
    T.NUMBER: "jsonb_typeof({v}) = 'number'",
    T.BOOLEAN: "jsonb_typeof({v}) = 'boolean'",
    T.LIST: "jsonb_typeof({v}) = 'array'",
    T.DATE: f"(jsonb_typeof({{v}}) = 'string' AND {_IS_DAY})",
    T.DATETIME: f"(jsonb_typeof({{v}}) = 'string' AND {_IS_INSTANT})",
}
_PLACE = re.compile(r"\{[vt]\}")
_READS = {
    T.NUMBER: f"(jsonb_typeof({{v}}) = 'string' AND {{t}} ~ '{_NUMBER}')",
    T.BOOLEAN: "(jsonb_typeof({v}) = 'string' AND {t} IN ('true', 'false'))",
}
_AS = {T.NUMBER: "to_jsonb(trim_scale({t}::numeric))", T.BOOLEAN: "to_jsonb({t}::boolean)"}


def _written(template: str, value: str) -> str:
    return _PLACE.sub(lambda found: value if found[0] == "{v}" else f"({value} #>> '{{}}')", template)


def fits(kind: str, value: str = "v") -> str:
    """Write the test that a jsonb value is of a type already."""
    return _written(_FITS[T(kind)], value)


def reads(kind: str, value: str = "v") -> str:
    """Write the test that a jsonb value is a text that reads exactly as a type, and would be stored as it."""
    return _written(_READS[T(kind)], value) if kind in _READS else "false"


def converted(kind: str, value: str = "v") -> str:
    """Write a jsonb value as it would be stored under a type."""
    if kind not in _AS:
        return value
    return f"CASE WHEN {reads(kind, value)} THEN {_written(_AS[T(kind)], value)} ELSE {value} END"


def instant(value: str = "v") -> str:
    """Write the instant by which a date is found, NULL for what is none: of a date its midnight in UTC."""
    text = f"({value} #>> '{{}}')"
    zoned = f"CASE WHEN {text} ~ '{_ZONE}' THEN {text}::timestamptz ELSE {text}::timestamp AT TIME ZONE 'UTC' END"
    return f"CASE WHEN {fits(T.DATETIME, value)} THEN {zoned} END"


def find_moments(name: str, kind: str) -> None:
    """Bring the moments of an attribute to its type and its values; one that is no date has none."""
    if kind not in DATED:
        run("DELETE FROM contacts_moment WHERE attribute = %s", [name])
        return
    dated = f"""SELECT c.id, x.at FROM contacts_contact c, LATERAL (SELECT {instant("(c.attributes #> %s::text[])")} AS at) x
        WHERE c.attributes #> %s::text[] IS NOT NULL AND x.at BETWEEN '1900-01-01T00:00Z' AND '2199-12-31T23:59:59Z'"""
    path = name.split(".")
    every = [path] * dated.count("%s")
    run(
        f"DELETE FROM contacts_moment m WHERE attribute = %s AND NOT EXISTS (SELECT FROM ({dated}) d WHERE d.id = m.contact_id)",
        [name, *every],
    )
    run(
        f"""INSERT INTO contacts_moment AS m (contact_id, attribute, instant) SELECT d.id, %s, d.at FROM ({dated}) d
            ON CONFLICT (contact_id, attribute) DO UPDATE SET instant = excluded.instant WHERE m.instant <> excluded.instant""",
        [name, *every],
    )
