"""Asking rules whose criteria speak of one enrollment: many at once, each with what is known of its own."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection

from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_pairs
from segmentation.criteria import given_in, leaves
from segmentation.given import Given
from segmentation.measures import Scene
from segmentation.rules import criteria_of
from segmentation.sql import sql

AT_ONCE = 40
Question = tuple[int, int, Given]  # rule, contact, what is known


def personal(rules: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return, of these rules, those that speak of an enrollment, with what they speak of: entry, node:<id>, trigger."""
    return {pk: criteria.speaks_of for pk, criteria in criteria_of(rules).items() if criteria.speaks_of}


def holding(asked: Sequence[Question], at: datetime) -> set[int]:
    """Return the numbers of the questions whose answer is yes."""
    if not asked:
        return set()
    criteria, catalogue = criteria_of({rule for rule, _, _ in asked}), load_catalogue()
    found: set[int] = set()
    for first in range(0, len(asked), AT_ONCE):
        some = {first + n: question for n, question in enumerate(asked[first : first + AT_ONCE])}
        rules = {number: given_in(criteria[rule], given) for number, (rule, _, given) in some.items()}
        contacts = [contact for _, contact, _ in some.values()]
        scene = Scene(at=at, catalogue=catalogue, among=sql("{ids}::bigint[]", ids=sorted(set(contacts))))
        pairs = sql(
            "SELECT * FROM unnest({keys}::bigint[], {contacts}::bigint[]) AS p(key, contact_id)",
            keys=list(some),
            contacts=contacts,
        )
        statement = matching_pairs(rules, scene, pairs)
        with connection.cursor() as cursor:
            cursor.execute(statement.text, statement.params)
            found |= {row[0] for row in cursor.fetchall()}
    return found


def crossing(rule: int, contacts: Sequence[int], since: datetime, until: datetime) -> set[int]:
    """Return those of these contacts whose answer may have changed only because time passed; everybody, when nobody can tell."""
    criteria = criteria_of([rule])[rule]
    if criteria.speaks_of:
        return set(contacts)
    scene = Scene(at=until, catalogue=load_catalogue())
    edges = [edge for leaf in leaves(criteria.root) if leaf.clock for edge in leaf.edges(scene, since, until)]
    found: set[int] = set()
    for edge in edges:
        among = sql(
            "SELECT DISTINCT x.contact_id FROM ({edge}) x WHERE x.contact_id = ANY({ids}::bigint[])",
            edge=edge,
            ids=list(contacts),
        )
        with connection.cursor() as cursor:
            cursor.execute(among.text, among.params)
            found |= {row[0] for row in cursor.fetchall()}
    return found
