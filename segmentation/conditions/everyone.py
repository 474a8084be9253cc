"""EVERYONE: every contact; an empty group never means this."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from segmentation.conditions.base import YES, Condition
from segmentation.measures import Scene, Test
from segmentation.sql import TRUE


class EveryoneCondition(Condition):
    """Every contact."""

    label: ClassVar[str] = "Everyone"
    example: ClassVar[dict[str, object]] = {"type": "EVERYONE"}

    type: Literal["EVERYONE"]

    def measure(self, scene: Scene) -> Test:
        return Test(where=TRUE)

    def told(self, found: Any) -> str:
        return "is a contact"

    def reads(self) -> Iterator[str]:
        yield "contact"

    def blank(self) -> frozenset[bool]:
        return YES

    def words(self) -> str:
        return "is anyone"
