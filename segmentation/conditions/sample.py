"""SAMPLE: a stable share of contacts."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from segmentation.catalogue import Catalogue
from segmentation.conditions.base import EITHER, Condition
from segmentation.measures import Scene, Test
from segmentation.operators import read_number
from segmentation.sql import Sql, sql
from workspace.problems import Fault


class SampleCondition(Condition):
    """A stable share of contacts: the same salt always picks the same ones."""

    label: ClassVar[str] = "Sample"
    example: ClassVar[dict[str, object]] = {"type": "SAMPLE", "percent": 10, "salt": "spring"}

    type: Literal["SAMPLE"]
    percent: int | float = Field(description="More than 0, at most 100.")
    salt: str = Field("", max_length=100, description="Another salt picks others.")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        if isinstance(self.percent, bool) or not 0 < self.percent <= 100:
            yield Fault(f"{path}.percent", "Write a percentage above 0 and at most 100.")

    def measure(self, scene: Scene) -> Test:
        return Test(
            where=sql(
                "({place} < {share}::numeric * 268435456)",
                place=self._place(scene),
                share=read_number(self.percent) / 100,
            )
        )

    def _place(self, scene: Scene) -> Sql:
        # 28 bits of the hash, so that the number is never negative
        return sql(
            "('x0' || substr(md5({salt}::text || ':' || {c}.id), 1, 7))::bit(32)::int", salt=self.salt, c=scene.contact
        )

    def found(self, scene: Scene) -> Sql:
        return sql("to_jsonb(round({place} * 100.0 / 268435456, 3))", place=self._place(scene))

    def told(self, found: Any) -> str:
        return f"stands at {found} percent of “{self.salt}”, below {self.percent} needed"

    def reads(self) -> Iterator[str]:
        yield "contact"

    def blank(self) -> frozenset[bool]:
        return EITHER

    def words(self) -> str:
        return f"is in the {self.percent} percent sample “{self.salt}”"
