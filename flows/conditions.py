"""FLOW: stands in, has finished, or left a flow; segments find this condition by themselves."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from contacts.labels import name_of
from flows.models import Flow
from segmentation.catalogue import Catalogue, register_names
from segmentation.conditions import register
from segmentation.conditions.base import Condition
from segmentation.measures import Picked, Scene
from segmentation.sql import Sql, sql
from segmentation.vocabulary import register_choices
from workspace.problems import Fault

SAID = {
    "active": "is on the way through",
    "completed": "has completed",
    "exited": "has left",
    "ever": "was ever in",
}


class FlowCondition(Condition):
    """Stands in a flow, has finished it, left it early, or was ever in it."""

    label: ClassVar[str] = "Flow"
    example: ClassVar[dict[str, Any]] = {"type": "FLOW", "flow": "welcome", "state": "completed"}

    type: Literal["FLOW"]
    flow: str = Field(max_length=63, description="The flow's slug.")
    state: Literal["active", "completed", "exited", "ever"] = "active"

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        if self.flow not in catalogue.more.get("flow", {}):
            yield Fault(f"{path}.flow", f'There is no flow "{self.flow}". Make it first, or name another.')

    def measure(self, scene: Scene) -> Picked:
        """Pick those whose own journeys count, and those into whom somebody with such a journey was merged."""
        return Picked(
            select=sql(
                "SELECT n.contact_id FROM flows_enrollment n WHERE n.flow_id = {id}::bigint{state}{own}"
                " UNION ALL SELECT o.merged_into_id FROM flows_enrollment n"
                " JOIN contacts_contact o ON o.id = n.contact_id AND o.merged_into_id IS NOT NULL"
                " WHERE n.flow_id = {id}::bigint{state}{theirs}",
                id=self._id(scene.catalogue),
                state=self._state(),
                own=scene.scope("n.contact_id"),
                theirs=scene.scope("o.merged_into_id"),
            )
        )

    def _id(self, catalogue: Catalogue) -> int:
        return catalogue.more.get("flow", {}).get(self.flow, 0)

    def _state(self) -> Sql:
        if self.state == "ever":
            return Sql("")
        going_on = " AND n.reason <> 'merged'" if self.state == "exited" else ""  # the older of two journeys goes on
        return sql(f" AND n.status = {{status}}{going_on}", status=self.state)

    def found(self, scene: Scene) -> Sql:
        return sql(
            "SELECT to_jsonb(n.status) FROM flows_enrollment n WHERE n.flow_id = {id}::bigint"
            " AND n.contact_id IN (SELECT o.id FROM contacts_contact o WHERE o.id = {c}.id OR o.merged_into_id = {c}.id)"
            " ORDER BY n.status = 'active' DESC, n.reason = 'merged', n.id DESC LIMIT 1",
            id=self._id(scene.catalogue),
            c=scene.contact,
        )

    def told(self, found: Any) -> str:
        name = name_of("flow", self.flow)
        return f"last {found} in the flow “{name}”" if found else f"never in the flow “{name}”"

    def reads(self) -> Iterator[str]:
        yield f"flow:{self.flow}"

    def words(self) -> str:
        return f"{SAID[self.state]} the flow “{name_of('flow', self.flow)}”"


def _ids() -> dict[str, int]:
    return dict(Flow.objects.values_list("slug", "pk"))


def _named() -> list[dict[str, str]]:
    rows = Flow.objects.order_by("name", "id").values_list("slug", "name")
    return [{"slug": slug, "name": name} for slug, name in rows]


register("FLOW", FlowCondition)
register_choices("flows", _named)
register_names("flow", _ids)
