"""From a criteria tree to SQL: the set, the scoped and the shared form of each measure, all of them one meaning."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Expression, F, Q
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler

from segmentation.catalogue import Catalogue
from segmentation.conditions.base import Condition
from segmentation.conditions.event import compared, picked
from segmentation.criteria import Criteria, Node, leaves
from segmentation.measures import Counted, Measure, Picked, Scene, Test
from segmentation.sql import Sql, both, join, sql


@dataclass
class Shared:
    """One scan over the events of a batch of contacts that serves many measures: a column each."""

    scene: Scene
    columns: dict[str, tuple[str, Counted]] = field(default_factory=dict)  # what is measured → its name
    since: datetime | None = None  # nothing before this is asked for (None: everything)
    open: bool = False

    def column(self, counted: Counted) -> Sql:
        """Have a measure counted in the scan, and name its column."""
        self.open = self.open or counted.since is None
        if counted.since is not None:
            self.since = min(self.since or counted.since, counted.since)
        key = repr((counted.name_id, counted.aggregate, counted.window, counted.filter))
        name, _ = self.columns.setdefault(key, (f"m{len(self.columns)}", counted))
        return Sql(f"s.{name}")

    def scan(self) -> Sql | None:
        """Render the scan, one row for each contact with such events; None when no measure needs it.

        What all measures ask alike (the name, the window) is asked of an event once, not once for each of them.
        """
        if not self.columns:
            return None
        every = [one for _, one in self.columns.values()]
        names = sorted({one.name_id for one in every})
        alike = every[0].window if len({repr(one.window) for one in every}) == 1 else None
        columns = [
            sql(f"{{x}} AS {name}", x=_filtered(one, name=len(names) > 1, window=alike is None))
            for name, one in self.columns.values()
        ]
        since = sql("e.at > {at}::timestamptz", at=self.since) if self.since and not self.open else None
        return sql(
            "SELECT e.contact_id, {every} FROM contacts_event e{zone} WHERE {where}{scope} GROUP BY e.contact_id",
            every=join(", ", columns),
            zone=Sql(" JOIN contacts_contact z ON z.id = e.contact_id" if any(one.zoned for one in every) else ""),
            where=both(sql("e.name_id = ANY({names}::bigint[])", names=names), alike or since),
            scope=self.scene.scope("e.contact_id"),
        )


def _filtered(counted: Counted, *, name: bool, window: bool) -> Sql:
    """Render a measure's aggregate over those events of the scan that are its own."""
    own = sql("e.name_id = {name}", name=counted.name_id) if name else None
    condition = both(own, counted.window if window else None, counted.filter)
    return sql("{x} FILTER (WHERE {condition})", x=counted.aggregate, condition=condition)


JOINED = 12  # conditions, of which as many joins the planner may try every order; of more it tries some, at length


def render(node: Node, scene: Scene, *, shared: Shared | None = None) -> Sql:
    """Render a tree as a condition on the contact's row; NULL counts as no."""
    few = sum(1 for _ in leaves(node)) <= JOINED
    return _render(node, scene, shared, negated=False, conjunct=few)


def _render(node: Node, scene: Scene, shared: Shared | None, *, negated: bool, conjunct: bool) -> Sql:
    negated = negated != node.negate
    if isinstance(node, Condition):
        return _leaf(node.measure(scene), scene, shared, negated, conjunct)
    joins = "AND" if (node.operator == "AND") != negated else "OR"
    inner = conjunct and (joins == "AND" or len(node.conditions) == 1)
    parts = [_render(one, scene, shared, negated=negated, conjunct=inner) for one in node.conditions]
    return sql("({parts})", parts=join(f" {joins} ", parts))


def _leaf(measure: Measure, scene: Scene, shared: Shared | None, negated: bool, conjunct: bool) -> Sql:
    if isinstance(measure, Counted):
        if shared is not None:
            return _turned(compared(measure, shared.column(measure)), negated != measure.complement)
        measure = picked(measure, scene)
    negated = negated != measure.complement
    if isinstance(measure, Test):
        return _turned(measure.where, negated)
    assert isinstance(measure, Picked)
    if not negated and conjunct:
        return sql("{c}.id IN ({select})", c=scene.contact, select=measure.select)
    if not negated:  # said so that it is no join anywhere
        return sql("({c}.id IN ({select})) IS TRUE", c=scene.contact, select=measure.select)
    if conjunct:  # an anti-join rather than a look into a hashed set
        return sql(
            "NOT EXISTS (SELECT 1 FROM ({select}) x WHERE x.contact_id = {c}.id)",
            select=measure.select,
            c=scene.contact,
        )
    return sql("{c}.id NOT IN ({select})", c=scene.contact, select=measure.select)


def _turned(answer: Sql, negated: bool) -> Sql:
    return sql("({x}) IS NOT TRUE", x=answer) if negated else sql("({x})", x=answer)


ALIVE = Sql("c.erased_at IS NULL AND c.merged_into_id IS NULL")


class Rule(Expression):
    """A criteria tree as a condition of the ORM, over whichever alias the contact's table has there."""

    conditional = True

    def __init__(self, root: Node, scene: Scene) -> None:
        super().__init__(output_field=BooleanField())
        self.root = root
        self.scene = scene
        self.row: Any = F("pk")

    def get_source_expressions(self) -> list[Any]:
        return [self.row]

    def set_source_expressions(self, exprs: Any) -> None:
        (self.row,) = exprs

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        assert isinstance(self.row, Col)
        alias = Sql(compiler.quote_name_unless_alias(self.row.alias))
        rendered = render(self.root, replace(self.scene, contact=alias))
        return rendered.text, rendered.params


def q(criteria: Criteria, *, at: datetime, catalogue: Catalogue, among: Collection[int] | None = None) -> Q:
    """Return the criteria as a Q over Contact: the set form, or the scoped one for a few contacts.

    Negate inside the document, not this Q. Whoever is erased or merged never matches.
    """
    ids = sql("{ids}::bigint[]", ids=sorted(among)) if among is not None else None
    condition = Q(Rule(criteria.root, Scene(at=at, catalogue=catalogue, among=ids)))
    alive = Q(erased_at__isnull=True, merged_into__isnull=True)
    return alive & condition & (Q(pk__in=sorted(among)) if among is not None else Q())


def matching_set(criteria: Criteria, scene: Scene) -> Sql:
    """Render everybody who matches, as a subquery of ids."""
    return sql(
        "SELECT c.id FROM contacts_contact c WHERE {alive} AND {where}", alive=ALIVE, where=render(criteria.root, scene)
    )


def matching_pairs(rules: dict[int, Criteria], scene: Scene, asked: Sql) -> Sql:
    """Render, of the asked pairs (key, contact_id), those that match: one shared scan for the events of all rules."""
    shared = Shared(scene)
    cases = [
        sql(f"WHEN {int(key)} THEN {{where}}", where=render(one.root, scene, shared=shared))
        for key, one in rules.items()
    ]
    scan = shared.scan()
    return sql(
        "SELECT a.key, a.contact_id FROM ({asked}) a JOIN {people} c ON c.id = a.contact_id{scan}"
        " WHERE {alive} AND CASE a.key {cases} END",
        asked=asked,
        people=_people(scene),
        scan=sql(" LEFT JOIN ({scan}) s ON s.contact_id = c.id", scan=scan) if scan else Sql(""),
        alive=ALIVE,
        cases=join(" ", cases),
    )


def matching_among(rules: dict[int, Criteria], ids: list[int], at: datetime, catalogue: Catalogue) -> Sql:
    """Render which of these contacts match which of the rules: the ids travel once, their events are read once."""
    scene = Scene(at=at, catalogue=catalogue, among=sql("(SELECT k.ids FROM looked k)::bigint[]"))
    asked = sql(
        "SELECT r.key, u.contact_id FROM unnest({keys}::bigint[]) AS r(key), looked k, unnest(k.ids) AS u(contact_id)",
        keys=list(rules),
    )
    return sql(
        "WITH looked AS MATERIALIZED (SELECT {ids}::bigint[] AS ids) {pairs}",
        ids=ids,
        pairs=matching_pairs(rules, scene, asked),
    )


def _people(scene: Scene) -> Sql:
    """Render the contacts asked about, each of them read once however many rules ask."""
    if scene.among is None:
        return Sql("contacts_contact")
    return sql("(SELECT * FROM contacts_contact WHERE id = ANY({ids}) OFFSET 0)", ids=scene.among)
