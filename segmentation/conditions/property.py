"""PROPERTY: an attribute of the contact."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool

from contacts.models import AttributeType as T
from contacts.properties import CONSENT_CHANNELS, CUSTOM, STANDARD, fact_of, in_a_sentence
from segmentation import turns
from segmentation.catalogue import Catalogue
from segmentation.comparisons import compare
from segmentation.conditions.base import EITHER, NO, YES, Condition
from segmentation.given import SPOKEN, Given, source_faults, source_of
from segmentation.known import Known
from segmentation.measures import Measure, Picked, Scene, Test
from segmentation.operators import COMPLEMENTS, Asked, ask
from segmentation.patterns import try_pattern
from segmentation.readings import InstantColumn, Reading, Stored, TextColumn, walk
from segmentation.spans import spans
from segmentation.sql import FALSE, Sql, sql
from segmentation.sweeps import RELATIVE, crossed, moves
from segmentation.wording import comparison_words, shown
from workspace.problems import Fault

DATED = (T.DATE, T.DATETIME)  # whose values stand in contacts_moment


class PropertyCondition(Condition):
    """Compares an attribute of the contact."""

    label: ClassVar[str] = "Attribute"
    example: ClassVar[dict[str, Any]] = {
        "type": "PROPERTY",
        "propertyName": "customProperties.plan",
        "operator": "=",
        "value": "enterprise",
    }

    type: Literal["PROPERTY"]
    property_name: str = Field(alias="propertyName", max_length=300)
    operator: str = Field(max_length=30)
    value: Any = None
    case_sensitive: StrictBool | None = Field(None, alias="caseSensitive", description="Only for texts.")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        name = self.property_name
        if name not in STANDARD and not name.startswith(CUSTOM):
            known = ", ".join(STANDARD)
            yield Fault(
                f"{path}.propertyName",
                f'There is no standard property "{name[:60]}". Use one of {known}, or customProperties.<name>.',
            )
            return
        if source_of(self.value):
            yield from source_faults(self.value, self.operator, catalogue, path)
            return
        yield from value_faults(self.operator, self.value, self.declared(catalogue), self.case_sensitive, path)

    def warnings(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        name = self.property_name
        own = name.removeprefix(CUSTOM)
        if name.startswith(CUSTOM) and own not in catalogue.attributes and own not in catalogue.declared:
            yield Fault(f"{path}.propertyName", f'No contact has "{name}" yet; until one does, it has no value.')

    def declared(self, catalogue: Catalogue) -> str | None:
        """Return the type that stands for the property: its own, or what a person declared."""
        standard = STANDARD.get(self.property_name)
        return standard.type.value if standard else catalogue.declared.get(self.property_name.removeprefix(CUSTOM))

    def asked(self, catalogue: Catalogue) -> Asked | None:
        """Return the comparison; None when the declared type has changed and no longer fits it (then no value fits)."""
        try:
            return ask(self.operator, self.value, self.declared(catalogue))
        except ValueError:
            return None

    def speaks_of(self) -> Iterator[str]:
        if source := source_of(self.value):
            yield SPOKEN[source]

    def given(self, given: Given) -> Self:
        return self.model_copy(update={"value": given.value(self.value)})

    def measure(self, scene: Scene) -> Measure:
        asked = self.asked(scene.catalogue)
        if asked is None:
            return Test(where=FALSE, complement=self.operator in COMPLEMENTS)
        if self.property_name in CONSENT_CHANNELS:
            return self._consent(scene, asked)
        if self.property_name == "lastSeenAt":
            return self._last_seen(scene, asked)
        where = compare(self._reading(scene), asked, scene.at, case=self.case_sensitive)
        return Test(where=where, complement=asked.complement)

    def _reading(self, scene: Scene) -> Reading:
        zone = scene.zone()
        standard = STANDARD.get(self.property_name)
        if standard is None:
            declared = self.declared(scene.catalogue)
            return Stored(Sql(f"{scene.contact.text}.attributes"), self._keys, zone, lenient=declared != T.DATE)
        column = Sql(f"{scene.contact.text}.{standard.column}")
        if standard.type == T.DATETIME:
            return InstantColumn(column, zone)
        return TextColumn(column, zone, folded=self.property_name == "email")

    @property
    def _keys(self) -> list[str]:
        return self.property_name.removeprefix(CUSTOM).split(".")

    def _consent(self, scene: Scene, asked: Asked) -> Picked:
        if asked.operator == "is_null":
            status, complement = Sql(""), not asked.complement
        else:
            said = "subscribed" if asked.value else "unsubscribed"
            status, complement = sql(" AND n.status = {status}", status=said), asked.complement
        return Picked(
            select=sql(
                "SELECT n.contact_id FROM contacts_consentnow n"
                " WHERE n.channel = {channel} AND n.topic = ''{status}{scope}",
                channel=CONSENT_CHANNELS[self.property_name],
                status=status,
                scope=scene.scope("n.contact_id"),
            ),
            complement=complement,
        )

    def _last_seen(self, scene: Scene, asked: Asked) -> Picked:
        reading = InstantColumn(Sql("a.last_seen_at"), scene.zone(Sql("z")))
        if asked.operator == "is_null":
            where, complement = sql("{x} IS NOT NULL", x=reading.instant), not asked.complement
        else:
            where, complement = compare(reading, asked, scene.at), asked.complement
        return Picked(select=self._seen(scene, where), complement=complement)

    def _seen(self, scene: Scene, where: Sql) -> Sql:
        zoned = "z.timezone" in where.text
        return sql(
            "SELECT a.contact_id FROM contacts_activity a{zone} WHERE {where}{scope}",
            zone=Sql(" JOIN contacts_contact z ON z.id = a.contact_id" if zoned else ""),
            where=where,
            scope=scene.scope("a.contact_id"),
        )

    def reads(self) -> Iterator[str]:
        if channel := CONSENT_CHANNELS.get(self.property_name):
            yield f"consent:{channel}"
            return
        yield fact_of(self.property_name) if self.property_name in STANDARD else _own_fact(self.property_name)
        if self.operator not in ("is_null", "is_not_null") and _by_day(self.operator, self.value):
            yield "attribute:timezone"

    def blank(self) -> frozenset[bool]:
        if self.property_name == "createdAt":
            return EITHER
        holds_for_nothing = COMPLEMENTS.get(self.operator, self.operator) == "is_null"
        return YES if holds_for_nothing != (self.operator in COMPLEMENTS) else NO

    @property
    def clock(self) -> bool:
        return COMPLEMENTS.get(self.operator, self.operator) in RELATIVE

    def edges(self, scene: Scene, since: datetime, until: datetime) -> Iterator[Sql]:
        asked = self.asked(scene.catalogue)
        if asked is None or not moves(asked):
            return
        if self.property_name == "lastSeenAt":
            reading: Reading = InstantColumn(Sql("a.last_seen_at"), scene.zone(Sql("z")))
            yield self._seen(scene, crossed(reading, asked, since, until))
            return
        where = crossed(self._reading(scene), asked, since, until)
        if where is not FALSE:
            yield sql(
                "SELECT {c}.id AS contact_id FROM {found} WHERE {where}",
                c=scene.contact,
                found=self._dated(scene, asked, since, until),
                where=where,
            )

    def _dated(self, scene: Scene, asked: Asked, since: datetime, until: datetime) -> Sql:
        """Name the contacts to look through: by the index of dates where there is one, else all."""
        path = self.property_name.removeprefix(CUSTOM)
        ranges = spans(asked, since, until) if self.property_name.startswith(CUSTOM) else None
        if ranges is None or scene.catalogue.attributes.get(path) not in DATED:
            return sql("contacts_contact {c}", c=scene.contact)
        return sql(
            "unnest({lows}::timestamptz[], {highs}::timestamptz[]) AS r(low, high)"
            " JOIN contacts_moment m ON m.attribute = {path}::text AND m.instant > r.low AND m.instant <= r.high"
            " JOIN contacts_contact {c} ON {c}.id = m.contact_id",
            lows=[low for low, _ in ranges],
            highs=[high for _, high in ranges],
            path=path,
            c=scene.contact,
        )

    def moments(self, known: Known, after: datetime) -> Iterator[datetime]:
        asked = self.asked(known.catalogue)
        if asked is not None and moves(asked):
            lenient = self.declared(known.catalogue) != T.DATE
            yield from turns.of_value(known.value(self.property_name), asked, known.zone, after, lenient=lenient)

    def found(self, scene: Scene) -> Sql:
        if channel := CONSENT_CHANNELS.get(self.property_name):
            return sql(
                "SELECT to_jsonb(n.status = 'subscribed') FROM contacts_consentnow n"
                " WHERE n.contact_id = {c}.id AND n.channel = {channel} AND n.topic = ''",
                c=scene.contact,
                channel=channel,
            )
        if self.property_name == "lastSeenAt":
            return sql(
                "SELECT to_jsonb(a.last_seen_at) FROM contacts_activity a WHERE a.contact_id = {c}.id", c=scene.contact
            )
        standard = STANDARD.get(self.property_name)
        if standard is None:
            return walk(Sql(f"{scene.contact.text}.attributes"), self._keys)
        return sql("to_jsonb({c}.{column})", c=scene.contact, column=Sql(standard.column))

    def told(self, found: Any) -> str:
        name = in_a_sentence(self.property_name)
        if self.property_name in CONSENT_CHANNELS:
            return f"is {'' if found else 'not '}{name}"
        return f"{name} is {shown(found)}" if found not in (None, "") else f"{name} has no value"

    def words(self) -> str:
        if self.property_name in CONSENT_CHANNELS and self.operator == "=" and isinstance(self.value, bool):
            return f"is {'' if self.value else 'not '}{in_a_sentence(self.property_name)}"
        return comparison_words(self.property_name, self.operator, self.value, self.case_sensitive)


def value_faults(operator: str, value: Any, declared: str | None, case: bool | None, path: str) -> Iterator[Fault]:
    """Yield what is wrong with an operator and its value; the path names the one at fault."""
    try:
        asked = ask(operator, value, declared)
    except ValueError as error:
        about_operator = str(error).startswith(("There is no operator", f"{operator} does not fit"))
        yield Fault(f"{path}.{'operator' if about_operator else 'value'}", str(error))
        return
    if case is not None and (asked.type != T.TEXT or asked.operator == "is_null"):
        yield Fault(f"{path}.caseSensitive", "Upper and lower case only matter when texts are compared; leave it out.")
    if asked.operator == "matches" and (wrong := try_pattern(asked.value)):
        yield Fault(f"{path}.value", f"PostgreSQL does not take this regular expression: {wrong}.")


def _own_fact(name: str) -> str:
    return f"attribute:{CUSTOM}{name.removeprefix(CUSTOM).split('.')[0]}"


def _by_day(operator: str, value: Any) -> bool:
    """Tell whether the answer may depend on the contact's calendar."""
    if operator in ("on", "in_last", "not_in_last", "in_next") or operator.startswith("anniversary"):
        return True
    first = value[0] if isinstance(value, list) and value else value
    return operator in ("before", "after", "between", "=", "!=", ">", ">=", "<", "<=") and (
        isinstance(first, str) and len(first) == 10
    )
