"""An A/B test: branches drawn by chance, one metric, and a verdict that waits for its sample and its time."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, field_validator

from flows.nodes.base import (
    Decision,
    Go,
    Node,
    Port,
    Scene,
    StepSettings,
    Surroundings,
    check_duration,
    duration_words,
    setting,
)
from flows.nodes.rules.splits import Share, chance, check_shares, drawn, two_shares

CONFIDENCES = {"0.9": "90%", "0.95": "95%", "0.99": "99%"}


class ABTestSettings(StepSettings):
    """What is believed, what is counted, and when enough is known."""

    hypothesis: str = setting("", "Hypothesis", "area", "What you expect, and why.", max_length=1000)
    branches: list[Share] = setting(two_shares, "Branches", "shares", "Weights are shares of the whole.", max_length=10)
    metric: Literal["event", "conversion"] = setting(
        "event",
        "What counts",
        "choice",
        choices={"event": "an event of the contact", "conversion": "the flow's conversion"},
    )
    event_name: str = setting("", "Event", "event", max_length=200, shown_when="metric=event")
    within: Annotated[str, AfterValidator(check_duration)] = setting(
        "7d", "Counts within", "duration", "Of taking a branch; what happens later does not count."
    )
    minimum_sample: int = setting(
        100, "At least so many on each branch", "number", "No verdict before.", ge=10, le=10_000_000
    )
    minimum_time: Annotated[str, AfterValidator(check_duration)] = setting(
        "7d", "And at least so long", "duration", "No verdict before: whole weeks even out weekdays."
    )
    confidence: Literal["0.9", "0.95", "0.99"] = setting("0.95", "Sure by", "choice", choices=CONFIDENCES)
    promote: Literal["hand", "itself"] = setting(
        "hand",
        "The better branch then takes all new arrivals",
        "choice",
        choices={"hand": "when a person says so", "itself": "by itself"},
    )

    _differ = field_validator("branches")(check_shares)


class ABTest(Node[ABTestSettings]):
    """Compare branches."""

    kind = "ab_test"
    group = "rule"
    label = "A/B test"
    icon = "chart-line"
    description = (
        "Sends contacts different ways by chance, counts what they do, and says which is better when that is sure."
    )
    Settings = ABTestSettings
    example = {
        "hypothesis": "A shorter mail brings more orders.",
        "branches": [{"port": "a", "label": "Long"}, {"port": "b", "label": "Short"}],
        "event_name": "Order Completed",
    }
    is_test = True

    @classmethod
    def ports(cls, settings: ABTestSettings) -> Sequence[Port]:
        """Return the branches in order."""
        return [Port(one.port, one.name) for one in settings.branches]

    @classmethod
    def decide(cls, settings: ABTestSettings, scene: Scene) -> Decision:
        """Take the promoted branch, or the one drawn by the hash of flow, node and contact."""
        if scene.promoted and any(one.port == scene.promoted for one in settings.branches):
            return Go(scene.promoted, saw={"promoted": True})
        number = chance(scene.flow, scene.node, scene.contact_id)
        return Go(drawn(settings.branches, number), saw={"drawn": round(number, 4)})

    @classmethod
    def words(cls, settings: ABTestSettings) -> str:
        """Say what is compared by what."""
        what = "conversion" if settings.metric == "conversion" else f"“{settings.event_name or '…'}”"
        return f"A/B test: {' or '.join(one.name for one in settings.branches) or '…'}, by {what}"

    @classmethod
    def faults(cls, settings: ABTestSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find missing branches, a missing metric, and times that are not set."""
        found: list[tuple[str, str]] = []
        if sum(one.weight > 0 for one in settings.branches) < 2:
            found.append(("branches", "A test compares at least two branches with a weight above 0."))
        if settings.metric == "event" and not settings.event_name:
            found.append(("event_name", "Choose the event that counts."))
        for name in ("within", "minimum_time"):
            if not getattr(settings, name):
                found.append((name, f"Say how long, such as {duration_words('7d')}."))
        return found
