"""How and when a contact goes on."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from flows.nodes.base import (
    Decision,
    Document,
    End,
    Go,
    Node,
    NodeSettings,
    Port,
    Scene,
    Stay,
    StepSettings,
    Surroundings,
    check_duration,
    duration_words,
    setting,
)
from workspace.durations import Duration

ELSE = "else"


_length = lru_cache(maxsize=1024)(Duration.parse)


class WaitSettings(StepSettings):
    """How long."""

    duration: Annotated[str, AfterValidator(check_duration)] = setting("", "Wait for", "duration")


class Wait(Node[WaitSettings]):
    """Wait for a length of time."""

    kind = "wait"
    group = "rule"
    label = "Wait"
    icon = "clock"
    description = "Waits for a length of time."
    Settings = WaitSettings
    example = {"duration": "1d"}
    is_wait = True

    @classmethod
    def decide(cls, settings: WaitSettings, scene: Scene) -> Decision:
        """Stay once; the due moment is fixed on arrival."""
        if scene.waiting:
            return Go()
        return Stay(until=_length(settings.duration).after(scene.at), clock="elapsed")

    @classmethod
    def words(cls, settings: WaitSettings) -> str:
        """Say how long."""
        return f"Wait {duration_words(settings.duration)}"

    @classmethod
    def faults(cls, settings: WaitSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing length."""
        return [] if settings.duration else [("duration", "Say how long to wait, such as 1h or 3d.")]


class Branch(NodeSettings):
    """One way out of a split, and who takes it."""

    port: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", title="Port")
    criteria: dict[str, Any] | None = Field(default=None, title="Criteria")
    label: str = Field(default="", max_length=80, title="Label")


class SplitSettings(StepSettings):
    """The branches in order."""

    branches: list[Branch] = setting(
        lambda: [Branch(port="yes", label="Yes")],
        "Branches",
        "branches",
        "The first that holds is taken.",
        max_length=20,
    )

    @field_validator("branches")
    @classmethod
    def _ports_differ(cls, branches: list[Branch]) -> list[Branch]:
        ports = [one.port for one in branches]
        if len(set(ports)) != len(ports) or ELSE in ports:
            raise ValueError("Each branch needs a port of its own, and “else” is everyone else's.")
        return branches


class Split(Node[SplitSettings]):
    """Take the first branch that holds."""

    kind = "split"
    group = "rule"
    label = "Split"
    icon = "split"
    description = "Takes the first branch whose criteria hold; the last is everyone else."
    Settings = SplitSettings
    example = {
        "branches": [
            {"port": "yes", "criteria": {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "NL"}}
        ]
    }

    @classmethod
    def ports(cls, settings: SplitSettings) -> Sequence[Port]:
        """Return the branches in order, and everyone else."""
        named = [Port(one.port, one.label or one.port.capitalize()) for one in settings.branches]
        return (*named, Port(ELSE, "Everyone else"))

    @classmethod
    def asks(cls, settings: SplitSettings) -> Mapping[str, Document]:
        """Ask each branch's criteria."""
        return {one.port: one.criteria for one in settings.branches if one.criteria}

    @classmethod
    def asked_at(cls, settings: SplitSettings, name: str) -> str:
        """Return the path of a branch's criteria."""
        return next(f"branches[{at}].criteria" for at, one in enumerate(settings.branches) if one.port == name)

    @classmethod
    def decide(cls, settings: SplitSettings, scene: Scene) -> Decision:
        """Take the first branch that holds."""
        port = next((one.port for one in settings.branches if one.port in scene.holds), ELSE)
        return Go(port, saw={"held": sorted(scene.holds)})

    @classmethod
    def words(cls, settings: SplitSettings) -> str:
        """Say how many ways."""
        labels = [one.label or one.port for one in settings.branches]
        return f"Split: {', '.join(labels) or '…'}, everyone else"

    @classmethod
    def faults(cls, settings: SplitSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find missing branches and criteria."""
        if not settings.branches:
            return [("branches", "Add at least one branch.")]
        return [
            (f"branches[{index}].criteria", "Say who takes this branch.")
            for index, one in enumerate(settings.branches)
            if not one.criteria
        ]


class ExitSettings(StepSettings):
    """Why."""

    reason: str = setting("", "Reason", "text", "Shown on the contact's history.", max_length=200)


class Exit(Node[ExitSettings]):
    """End the journey."""

    kind = "exit"
    group = "rule"
    label = "Exit"
    icon = "exit"
    description = "Ends the journey here, with a reason."
    Settings = ExitSettings
    example = {"reason": "Bought in the meantime"}

    @classmethod
    def ports(cls, settings: ExitSettings) -> Sequence[Port]:
        """Have no way out."""
        return ()

    @classmethod
    def decide(cls, settings: ExitSettings, scene: Scene) -> Decision:
        """End here."""
        return End(settings.reason or "exit")

    @classmethod
    def words(cls, settings: ExitSettings) -> str:
        """Say why."""
        return f"Exit: {settings.reason}" if settings.reason else "Exit"
