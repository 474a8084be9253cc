"""Into another flow, and out of it."""

from flows.nodes.base import Decision, Go, Node, Scene, StepSettings, Surroundings, setting
from flows.nodes.effects import LeaveFlow, StartFlow


class OtherFlowSettings(StepSettings):
    """Which flow."""

    flow: str = setting("", "Flow", "flow", max_length=63)


class _FlowNode(Node[OtherFlowSettings]):
    group = "action"
    Settings = OtherFlowSettings
    example = {"flow": "win-back"}

    @classmethod
    def words(cls, settings: OtherFlowSettings) -> str:
        return f"{cls.label.removesuffix(' another flow').removesuffix(' a flow')} “{settings.flow or '…'}”"

    @classmethod
    def faults(cls, settings: OtherFlowSettings, near: Surroundings) -> list[tuple[str, str]]:
        if not settings.flow:
            return [("flow", "Choose the flow.")]
        if settings.flow not in near.flows:
            return [("flow", f"There is no flow “{settings.flow}”; choose another.")]
        return []

    @classmethod
    def uses(cls, settings: OtherFlowSettings) -> list[str]:
        return [f"flow:{settings.flow}"] if settings.flow else []


class StartFlowNode(_FlowNode):
    """Let the contact enter another flow."""

    kind = "start_flow"
    label = "Start another flow"
    icon = "start-flow"
    description = "Lets the contact enter another flow, by the rules of that flow."

    @classmethod
    def decide(cls, settings: OtherFlowSettings, scene: Scene) -> Decision:
        """Let them in and go on."""
        return Go(effects=(StartFlow(settings.flow),))

    @classmethod
    def faults(cls, settings: OtherFlowSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find also a flow that has never been activated."""
        found = super().faults(settings, near)
        if not found and near.flows[settings.flow] == "draft":
            found.append(("flow", f"Activate “{settings.flow}” first: nobody can enter a draft."))
        return found


class LeaveFlowNode(_FlowNode):
    """Take the contact out of another flow."""

    kind = "leave_flow"
    label = "Leave another flow"
    icon = "leave-flow"
    description = "Ends the contact's journeys in another flow."

    @classmethod
    def decide(cls, settings: OtherFlowSettings, scene: Scene) -> Decision:
        """Take them out and go on."""
        return Go(effects=(LeaveFlow(settings.flow),))
