"""Which flows name an attribute or event: in their draft, or in the version that runs."""

import json

from django.db import connection
from django.urls import reverse

from contacts.readers import Reader, register

_NAMING = """
SELECT f.slug, f.name, f.id FROM flows_flow f LEFT JOIN flows_version v ON v.id = f.version_id
WHERE f.archived_at IS NULL AND f.status <> 'ended' AND EXISTS (
    SELECT FROM unnest(%s::text[]) AS said(t)
    WHERE strpos(f.settings::text, t) > 0 OR strpos(v.graph::text, t) > 0 OR strpos(v.settings::text, t) > 0
        OR EXISTS (SELECT FROM flows_node n WHERE n.flow_id = f.id AND strpos(n.settings::text, t) > 0)
) ORDER BY f.name, f.id
"""


def readers_of(fact: str) -> list[Reader]:
    """Return the flows that name a fact, or something below an attribute's path."""
    name = json.dumps(fact.partition(":")[2], ensure_ascii=False)
    said = [name, f"{name[:-1]}."] if fact.startswith("attribute:") else [name]
    with connection.cursor() as cursor:
        cursor.execute(_NAMING, [said])
        return [Reader("flow", slug, called, reverse("flow", args=[pk])) for slug, called, pk in cursor.fetchall()]


register(namer=readers_of)
