"""Points where not everybody goes on at once: so many in an interval, and who a person lets through."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from flows.nodes.base import (
    Decision,
    Go,
    Node,
    Port,
    Scene,
    Stay,
    StepSettings,
    Surroundings,
    duration_words,
    setting,
)
from workspace.durations import Duration

APPROVAL = "approval"  # what wakes those who wait for a person
LONGEST = timedelta(days=31)


def _interval(value: str) -> str:
    if not value:
        return value
    length = Duration.parse(value)
    if length.calendar or length.longest > LONGEST:
        raise ValueError("The interval is a length of at most 31 days, such as 1h or 1d; months differ in length.")
    return value


class RateLimitSettings(StepSettings):
    """How many in which time."""

    count: int = setting(100, "At most", "number", "How many go on.", ge=1, le=1_000_000)
    interval: Annotated[str, AfterValidator(_interval)] = setting(
        "1h", "In any", "duration", "However the interval is laid, no more pass in it."
    )


class RateLimit(Node[RateLimitSettings]):
    """Let so many through in an interval, whoever came first first."""

    kind = "rate_limit"
    group = "rule"
    label = "Rate limit"
    icon = "funnel"
    description = "Lets at most so many through in an interval; whoever came first goes first."
    Settings = RateLimitSettings
    example = {"count": 100, "interval": "1h"}

    @classmethod
    def limit(cls, settings: RateLimitSettings) -> tuple[int, int] | None:
        """Return how many in how many seconds."""
        if not settings.interval:
            return None
        return settings.count, int(Duration.parse(settings.interval).longest.total_seconds())

    @classmethod
    def decide(cls, settings: RateLimitSettings, scene: Scene) -> Decision:
        """Go when it is the contact's turn."""
        if scene.turn is None or scene.turn <= scene.at:
            return Go(saw={"limit": f"{settings.count} per {duration_words(settings.interval)}"})
        return Stay(until=scene.turn, clock="wall")

    @classmethod
    def words(cls, settings: RateLimitSettings) -> str:
        """Say how many in which time."""
        return f"At most {settings.count:,} per {duration_words(settings.interval)}"

    @classmethod
    def faults(cls, settings: RateLimitSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing interval."""
        return [] if settings.interval else [("interval", "Say in which time, such as 1h.")]


class ApprovalSettings(StepSettings):
    """What the person is to know."""

    question: str = setting("", "What to decide", "area", "Shown to whoever decides.", max_length=2000)


class Approval(Node[ApprovalSettings]):
    """Wait for a person."""

    kind = "approval"
    group = "rule"
    label = "Approval"
    icon = "clipboard-check"
    description = "Waits until a person approves or refuses, with a way out for each."
    Settings = ApprovalSettings
    example = {"question": "Is this customer to get the big discount?"}
    is_wait = True

    @classmethod
    def ports(cls, settings: ApprovalSettings) -> Sequence[Port]:
        """Part the approved from the refused."""
        return (Port("next", "Approved"), Port("refused", "Refused"))

    @classmethod
    def decide(cls, settings: ApprovalSettings, scene: Scene) -> Decision:
        """Go as the person decided; who and when stands in the step."""
        said = scene.context.get("decided") or {}
        if said.get("visit") != scene.visit:
            return Stay(parked="waits for approval", wake_on=APPROVAL)
        saw = {name: said[name] for name in ("approved", "by", "at", "note") if said.get(name) not in (None, "")}
        return Go("next" if said["approved"] else "refused", saw=saw)

    @classmethod
    def words(cls, settings: ApprovalSettings) -> str:
        """Say what is to be decided."""
        return f"Approval: {settings.question.partition(chr(10))[0][:120]}" if settings.question else "Approval"
