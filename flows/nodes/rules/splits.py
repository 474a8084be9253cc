"""Ways that part: by criteria, by chance, and by a test of which is better."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from pydantic import Field, field_validator

from flows.nodes.base import (
    Decision,
    Document,
    Go,
    Node,
    NodeSettings,
    Port,
    Scene,
    StepSettings,
    Surroundings,
    setting,
)

ELSE = "else"
HELD = "holdout"
PORT = r"^[a-z][a-z0-9_-]{0,62}$"


class Branch(NodeSettings):
    """One way out of a split, and who takes it."""

    port: str = Field(pattern=PORT, title="Port")
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


def chance(flow: str, node: str, contact: int, salt: str = "") -> float:
    """Return a number from 0 up to 1 that is always the same for a contact at a node of a flow (rule 25)."""
    said = f"{flow}:{node}:{contact}:{salt}".encode()
    return int.from_bytes(blake2b(said, digest_size=6).digest()) / 2**48


class Share(NodeSettings):
    """One way out that takes a share of everybody."""

    port: str = Field(pattern=PORT, title="Port")
    weight: int = Field(default=1, ge=0, le=1000, title="Weight")
    label: str = Field(default="", max_length=80, title="Label")

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.label or self.port.replace("-", " ").capitalize()


def check_shares(shares: list[Share]) -> list[Share]:
    """Return shares whose ports differ and of which somebody takes one; raise ValueError otherwise."""
    ports = [one.port for one in shares]
    if len(set(ports)) != len(ports) or {ELSE, HELD} & set(ports):
        raise ValueError("Each branch needs a port of its own, and “else” and “holdout” are taken.")
    if shares and not any(one.weight for one in shares):
        raise ValueError("At least one branch needs a weight above 0.")
    return shares


def drawn(shares: Sequence[Share], number: float) -> str:
    """Return the port of the share into which a number from 0 up to 1 falls."""
    total, reached = sum(one.weight for one in shares), 0
    for one in shares:
        reached += one.weight
        if number * total < reached:
            return one.port
    return shares[-1].port


def two_shares() -> list[Share]:
    """Return two even ways."""
    return [Share(port="a", label="A"), Share(port="b", label="B")]


class RandomSplitSettings(StepSettings):
    """The shares, and who is left out of all of them."""

    branches: list[Share] = setting(two_shares, "Branches", "shares", "Weights are shares of the whole.", max_length=20)
    holdout: int = setting(
        0, "Held out", "number", "Per cent who take none of these ways, to compare with.", ge=0, le=90
    )

    _differ = field_validator("branches")(check_shares)


class RandomSplit(Node[RandomSplitSettings]):
    """Take a way by chance, the same way every time."""

    kind = "random_split"
    group = "rule"
    label = "Random split"
    icon = "git-branch"
    description = "Sends shares of everybody different ways by chance; a contact always takes the same way."
    Settings = RandomSplitSettings
    example = {"branches": [{"port": "a", "weight": 70}, {"port": "b", "weight": 30}], "holdout": 10}

    @classmethod
    def ports(cls, settings: RandomSplitSettings) -> Sequence[Port]:
        """Return the shares in order, and those held out."""
        shares = [Port(one.port, one.name) for one in settings.branches]
        return (*shares, Port(HELD, "Held out")) if settings.holdout else shares

    @classmethod
    def decide(cls, settings: RandomSplitSettings, scene: Scene) -> Decision:
        """Draw by the hash of flow, node and contact."""
        if settings.holdout and chance(scene.flow, scene.node, scene.contact_id, HELD) * 100 < settings.holdout:
            return Go(HELD)
        number = chance(scene.flow, scene.node, scene.contact_id)
        return Go(drawn(settings.branches, number), saw={"drawn": round(number, 4)})

    @classmethod
    def words(cls, settings: RandomSplitSettings) -> str:
        """Say the shares in per cent."""
        total = sum(one.weight for one in settings.branches) or 1
        held = [f"{settings.holdout}% held out"] if settings.holdout else []
        shares = [f"{one.name} {round(100 * one.weight / total)}%" for one in settings.branches]
        return f"Random split: {', '.join([*shares, *held]) or '…'}"

    @classmethod
    def faults(cls, settings: RandomSplitSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find too few branches."""
        enough = len(settings.branches) >= (1 if settings.holdout else 2)
        return [] if enough else [("branches", "Add a second branch, or hold somebody out.")]
