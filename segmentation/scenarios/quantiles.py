"""Thresholds by quantile of the workspace's own contacts: the very measure that the rule will ask, over those who have one."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from segmentation.catalogue import Catalogue
from segmentation.conditions.event import EventCondition
from segmentation.measures import Counted, Scene
from segmentation.sql import Sql, both, sql


def quantile(document: dict[str, Any], share: float, at: datetime, catalogue: Catalogue) -> Decimal | None:
    """Return the number that `share` (0..1) of the contacts who did such a thing stay below; None when nobody did.

    `document` is an EVENT condition; its comparison is left aside. The answer is a number that somebody really has.
    """
    condition = EventCondition.model_validate(document)
    measure = condition.measure(Scene(at=at, catalogue=catalogue))
    if not isinstance(measure, Counted):
        raise TypeError("A quantile is of an aggregate over any occurrence.")
    statement = _statement(measure, share)
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        found = cursor.fetchone()
    return None if found is None or found[0] is None else Decimal(found[0])


def _statement(measure: Counted, share: float) -> Sql:
    zone = Sql(" JOIN contacts_contact z ON z.id = e.contact_id") if measure.zoned else Sql("")
    return sql(
        "SELECT percentile_disc({share}::float8) WITHIN GROUP (ORDER BY n.number) FROM ("
        "SELECT {aggregate} AS number FROM contacts_event e{zone} WHERE {where} GROUP BY e.contact_id) n",
        share=share,
        aggregate=measure.aggregate,
        zone=zone,
        where=both(sql("e.name_id = {name}", name=measure.name_id), measure.window, measure.filter),
    )
