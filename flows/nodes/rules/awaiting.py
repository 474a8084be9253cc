"""Waiting for something to be so, or to happen; and what a goal asks."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from flows.nodes.base import (
    HERE,
    Decision,
    Document,
    Go,
    Node,
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

FACTS = "facts"  # what wakes those who wait for something: any fact that their question reads


class Awaited(StepSettings):
    """Criteria that are to hold, or an event that is to arrive."""

    what: Literal["criteria", "event"] = setting(
        "event", "What", "choice", choices={"event": "an event arrives", "criteria": "criteria hold"}
    )
    event_name: str = setting("", "Event", "event", max_length=200, shown_when="what=event")
    where: dict[str, Any] | None = setting(
        None,
        "With these properties",
        "where",
        "Write {{ event.orderId }} for what the event that began the journey carried.",
        shown_when="what=event",
    )
    since: Literal["entry", "here"] = setting(
        "entry",
        "Counted from",
        "choice",
        choices={"entry": "entering the flow", "here": "coming to this step"},
        shown_when="what=event",
    )
    criteria: dict[str, Any] | None = setting(None, "Until this holds", "criteria", shown_when="what=criteria")

    def asks(self) -> Mapping[str, Document]:
        """Return the question, when it is complete."""
        if self.what == "criteria":
            return {"yes": self.criteria} if self.criteria else {}
        if not self.event_name:
            return {}
        since = "entry" if self.since == "entry" else HERE
        where = {"where": self.where} if self.where else {}
        return {"yes": {"type": "EVENT", "eventName": self.event_name, "window": {"since": since}, **where}}

    def asked_at(self) -> str:
        """Return the path of the question."""
        return "criteria" if self.what == "criteria" else ""

    def said(self) -> str:
        """Say it in a few words."""
        if self.what == "criteria":
            return "criteria hold" if self.criteria else "…"
        return f"“{self.event_name}” arrives" if self.event_name else "…"

    def missing(self, sentence: str) -> list[tuple[str, str]]:
        """Find a missing question."""
        if self.what == "event":
            return [] if self.event_name else [("event_name", "Choose the event.")]
        return [] if self.criteria else [("criteria", sentence)]


class WaitForSettings(Awaited):
    """What is waited for, and how long at most."""

    timeout: Annotated[str, AfterValidator(check_duration)] = setting(
        "7d", "At most", "duration", "Then the second way out is taken; empty: without end."
    )


class WaitFor(Node[WaitForSettings]):
    """Wait until something is so, or time is up."""

    kind = "wait_for"
    group = "rule"
    label = "Wait for"
    icon = "timer"
    description = "Waits until an event arrives or criteria hold, with a second way out when time is up."
    Settings = WaitForSettings
    example = {"what": "event", "event_name": "Order Completed", "timeout": "3d"}
    heeds = True

    @classmethod
    def ports(cls, settings: WaitForSettings) -> Sequence[Port]:
        """Part those for whom it came from those for whom time was up."""
        if not settings.timeout:
            return (Port("next", "Next"),)
        return (Port("next", "It came"), Port("timeout", "Time is up"))

    @classmethod
    def asks(cls, settings: WaitForSettings) -> Mapping[str, Document]:
        """Ask whether it is so."""
        return settings.asks()

    @classmethod
    def asked_at(cls, settings: WaitForSettings, name: str) -> str:
        """Return the path of what is asked."""
        return settings.asked_at()

    @classmethod
    def waits(cls, settings: WaitForSettings, port: str) -> bool:
        """Whoever leaves because time is up has waited; what is true on arrival passes at once."""
        return port == "timeout"

    @classmethod
    def decide(cls, settings: WaitForSettings, scene: Scene) -> Decision:
        """Go when it is so, else when time is up; the end is fixed on arrival (rule 5)."""
        if scene.holds:
            return Go(saw={"came": "while waiting" if scene.waiting else "already"})
        until = scene.until if scene.waiting else None
        if until is None and settings.timeout and not scene.waiting:
            until = Duration.parse(settings.timeout).after(scene.at)
        if until is not None and scene.at >= until:
            return Go("timeout", saw={"came": "not in time", "until": until})
        return Stay(until=until, clock="elapsed", wake_on=FACTS)

    @classmethod
    def words(cls, settings: WaitForSettings) -> str:
        """Say for what."""
        most = f", at most {duration_words(settings.timeout)}" if settings.timeout else ""
        return f"Wait until {settings.said()}{most}"

    @classmethod
    def faults(cls, settings: WaitForSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find what is missing."""
        return settings.missing("Say what is waited for.")
