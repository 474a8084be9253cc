"""What every kind of condition gives, and nothing else knows about kinds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from segmentation.catalogue import Catalogue
from segmentation.given import Given
from segmentation.known import Known
from segmentation.measures import Measure, Scene
from segmentation.sql import Sql
from workspace.problems import Fault

EITHER = frozenset({True, False})
YES = frozenset({True})
NO = frozenset({False})


class Condition(BaseModel):
    """One thing that can be asked about a contact; `negate` turns the answer round."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)

    label: ClassVar[str]
    example: ClassVar[dict[str, Any]]

    type: str
    negate: StrictBool = Field(False, description="Turns the answer round: exclude those for whom it holds.")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        """Yield what is wrong with it, beyond its shape."""
        yield from ()

    def warnings(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        """Yield what may surprise: names that nobody has seen yet."""
        yield from ()

    def speaks_of(self) -> Iterator[str]:
        """Yield what it wants to know of the enrollment it is asked about: entry, node:<id>, trigger."""
        yield from ()

    def given(self, given: Given) -> Self:
        """Return it with what is known of one enrollment in place."""
        return self

    def size(self) -> int:
        """Return how many conditions it counts as."""
        return 1

    def measure(self, scene: Scene) -> Measure:
        """Return what it asks, without `negate`."""
        raise NotImplementedError

    def found(self, scene: Scene) -> Sql:
        """Render what stands there about the contact of the scene's row, as JSON; NULL is no value."""
        return Sql("NULL::jsonb")

    def told(self, found: Any) -> str:
        """Say in English what was found, and what is needed where that is a number."""
        return ""

    def reads(self) -> Iterator[str]:
        """Yield the facts it depends on."""
        raise NotImplementedError

    def blank(self) -> frozenset[bool]:
        """Return the answers a contact without any data may get, without `negate`."""
        return NO

    @property
    def clock(self) -> bool:
        """Tell whether time alone can change its answer."""
        return False

    def edges(self, scene: Scene, since: datetime, until: datetime) -> Iterator[Sql]:
        """Yield subqueries of the contacts whose answer may have changed only because time passed."""
        yield from ()

    def moments(self, known: Known, after: datetime) -> Iterator[datetime]:
        """Yield the next instants at which the answer about one contact may change only because time passes."""
        yield from ()

    def words(self) -> str:
        """Say it in English, without `negate`."""
        raise NotImplementedError
