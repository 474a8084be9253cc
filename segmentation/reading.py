"""Which segments read a fact, what another type of an attribute would do to them, and how they look anew."""

from collections.abc import Collection
from dataclasses import replace

from django.db import connection
from django.db.models import Q, QuerySet
from django.urls import reverse

from contacts.properties import CUSTOM, fact_of
from contacts.readers import Effect, Reader, register
from segmentation import recomputing
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.compiler import matching_set
from segmentation.measures import Scene
from segmentation.models import Segment
from segmentation.rules import Saved, remembered
from segmentation.sql import sql
from workspace import clock


def readers_of(fact: str) -> list[Reader]:
    """Return the segments whose criteria read a fact, archived ones too: they may be taken back into use."""
    return [_reader(one) for one in _reading([fact]).order_by("name", "pk")]


def _reader(segment: Segment) -> Reader:
    return Reader("segment", segment.slug, segment.name, reverse("segment", args=[segment.pk]))


def _reading(facts: Collection[str]) -> QuerySet[Segment]:
    said = Q()
    for fact in facts:
        said |= Q(rule__reads__contains=[fact])
    return Segment.objects.filter(said).select_related("rule")


def effects(attribute: str, kind: str) -> list[Effect]:
    """Return who would join and leave the segments that read an attribute if a person declared it of this type."""
    held = load_catalogue()
    changed = {attribute: kind}
    as_if = replace(held, attributes={**held.attributes, **changed}, declared={**held.declared, **changed})
    segments = _reading([fact_of(CUSTOM + attribute)]).filter(archived_at=None).order_by("name", "pk")
    return [_effect(one, as_if) for one in segments]


_COMPARED = """
SELECT count(*) FILTER (WHERE m.contact_id IS NULL), count(*) FILTER (WHERE x.id IS NULL) FROM ({everybody}) x
FULL JOIN (SELECT contact_id FROM segmentation_membership WHERE segment_id = {segment}::bigint) m ON m.contact_id = x.id
"""


def _effect(segment: Segment, catalogue: Catalogue) -> Effect:
    assert segment.rule is not None
    criteria = remembered(Saved(segment.rule.digest, segment.rule.document))
    everybody = matching_set(criteria, Scene(at=clock.now(), catalogue=catalogue))
    statement = sql(_COMPARED, everybody=everybody, segment=segment.pk)
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params or None)
        joins, leaves = cursor.fetchone() or (0, 0)
    return Effect(_reader(segment), joins, leaves)


def mend(facts: Collection[str]) -> int:
    """Ask a worker to look at everybody for each segment that reads one of these facts; nothing fires."""
    segments = list(_reading(facts).filter(archived_at=None))
    for one in segments:
        recomputing.ask(one, "edited")
    return len(segments)


register(namer=readers_of, judge=effects, mender=mend)
