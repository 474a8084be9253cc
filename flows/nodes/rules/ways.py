"""Turns of the way: goals, jumps, the end, and notes that nobody passes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator

from flows.nodes.base import (
    Decision,
    Document,
    End,
    Go,
    Node,
    NodeSettings,
    Port,
    Scene,
    StepSettings,
    Surroundings,
    check_duration,
    duration_words,
    setting,
)
from flows.nodes.rules.awaiting import Awaited


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


class GoalSettings(Awaited):
    """What is to be reached, what then, and how long it counts."""

    reach: Literal["jump", "exit"] = setting(
        "jump",
        "Who reaches it",
        "choice",
        "From wherever they stand above this step.",
        choices={"jump": "jumps here and goes on", "exit": "leaves the flow"},
    )
    within: Annotated[str, AfterValidator(check_duration)] = setting(
        "", "Counts within", "duration", "Of entering the flow; empty: always."
    )


class Goal(Node[GoalSettings]):
    """Bring those who reach it here, or let them go."""

    kind = "goal"
    group = "rule"
    label = "Goal"
    icon = "target"
    description = "Whoever reaches it further up jumps here, past all that lies between, or leaves the flow."
    Settings = GoalSettings
    example = {"what": "event", "event_name": "Order Completed", "within": "30d"}
    is_goal = True

    @classmethod
    def ports(cls, settings: GoalSettings) -> Sequence[Port]:
        """Part those who reached it from those who only came by."""
        if settings.reach == "exit":
            return (Port("next", "Next"),)
        return (Port("next", "Reached"), Port("missed", "Not reached"))

    @classmethod
    def asks(cls, settings: GoalSettings) -> Mapping[str, Document]:
        """Ask whether it is reached."""
        return settings.asks()

    @classmethod
    def asked_at(cls, settings: GoalSettings, name: str) -> str:
        """Return the path of what is asked."""
        return settings.asked_at()

    @classmethod
    def decide(cls, settings: GoalSettings, scene: Scene) -> Decision:
        """Part those who jumped or have reached it by now from the others."""
        reached = scene.woken == "goal" or bool(scene.holds)
        if settings.reach == "exit":
            return End("goal reached", {"goal": "reached"}) if reached else Go(saw={"goal": "not reached"})
        return Go("next" if reached else "missed", saw={"goal": "reached" if reached else "not reached"})

    @classmethod
    def words(cls, settings: GoalSettings) -> str:
        """Say what is to be reached."""
        within = f" within {duration_words(settings.within)}" if settings.within else ""
        return f"Goal: {settings.said()}{within}"

    @classmethod
    def faults(cls, settings: GoalSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find what is missing."""
        return settings.missing("Say what is to be reached.")


class JumpSettings(StepSettings):
    """Where to."""

    to: str = setting("", "Jump to", "node", "A step of this flow; a loop has to pass a wait.", max_length=63)


class Jump(Node[JumpSettings]):
    """Go on at another step."""

    kind = "jump"
    group = "rule"
    label = "Jump"
    icon = "corner-down-right"
    description = "Goes on at another step of this flow."
    Settings = JumpSettings
    example = {"to": "wait-1"}

    @classmethod
    def words(cls, settings: JumpSettings) -> str:
        """Say where to."""
        return f"Jump to “{settings.to}”" if settings.to else "Jump to …"

    @classmethod
    def faults(cls, settings: JumpSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing target."""
        return [] if settings.to else [("to", "Choose the step to jump to.")]


class NoteSettings(NodeSettings):
    """What is written on it."""

    text: str = setting("", "Note", "area", "For whoever works on this flow.", max_length=10_000)


class Note(Node[NoteSettings]):
    """Something written on the canvas."""

    kind = "note"
    group = "rule"
    label = "Note"
    icon = "file-text"
    description = "A note on the canvas; nobody comes by here."
    Settings = NoteSettings
    example = {"text": "Ask Mara before this runs in summer."}
    is_note = True

    @classmethod
    def ports(cls, settings: NoteSettings) -> Sequence[Port]:
        """Have no way out."""
        return ()

    @classmethod
    def words(cls, settings: NoteSettings) -> str:
        """Say what is written."""
        first = settings.text.strip().partition("\n")[0]
        return first[:160] or "Note"


__all__ = ["Exit", "Goal", "Jump", "Note"]
