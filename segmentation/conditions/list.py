"""LIST: is on a list."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from contacts.labels import name_of
from segmentation.catalogue import Catalogue
from segmentation.conditions.base import Condition
from segmentation.measures import Picked, Scene
from segmentation.sql import Sql, sql
from workspace.problems import Fault


class ListCondition(Condition):
    """Is on a list."""

    label: ClassVar[str] = "List"
    example: ClassVar[dict[str, object]] = {"type": "LIST", "list": "staff"}

    type: Literal["LIST"]
    list: str = Field(max_length=63, description="The list's slug.")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        if self.list not in catalogue.lists:
            yield Fault(f"{path}.list", f'There is no list "{self.list}". Make it first, or name another.')

    def measure(self, scene: Scene) -> Picked:
        return Picked(
            select=sql(
                "SELECT l.contact_id FROM contacts_listmember l WHERE l.list_id = {id}::bigint{scope}",
                id=scene.catalogue.list_ids.get(self.list, 0),
                scope=scene.scope("l.contact_id"),
            )
        )

    def found(self, scene: Scene) -> Sql:
        return sql(
            "SELECT to_jsonb(l.added_at) FROM contacts_listmember l WHERE l.list_id = {id}::bigint AND l.contact_id = {c}.id",
            id=scene.catalogue.list_ids.get(self.list, 0),
            c=scene.contact,
        )

    def told(self, found: Any) -> str:
        name = name_of("list", self.list)
        return f"on the list “{name}” since {found}" if found else f"not on the list “{name}”"

    def reads(self) -> Iterator[str]:
        yield f"list:{self.list}"

    def words(self) -> str:
        return f"is on the list “{name_of('list', self.list)}”"
