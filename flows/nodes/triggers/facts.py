"""A fact of the contact changed: on a list, an attribute, another flow; or a person chose them."""

from typing import Any, Literal

from contacts.properties import STANDARD, fact_of, in_a_sentence, is_custom
from flows.nodes.base import NodeSettings, Surroundings, setting
from flows.nodes.triggers.base import Criteria, Trigger, only_who_match

Plain = str | int | float | bool | None
DERIVED = ("lastSeenAt", "createdAt", "emailSubscribed", "smsSubscribed", "whatsappSubscribed")


class ListSettings(NodeSettings):
    """Which list, and who of those."""

    list: str = setting("", "List", "list", max_length=63)
    filter: Criteria = only_who_match()


class _ListTrigger(Trigger[ListSettings]):
    Settings = ListSettings
    example = {"list": "newsletter"}
    carries = True

    @classmethod
    def faults(cls, settings: ListSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing or unknown list."""
        if not settings.list:
            return [("list", "Choose the list that starts this flow.")]
        if settings.list not in near.lists:
            return [("list", f"There is no list “{settings.list}”; choose another.")]
        return []

    @classmethod
    def uses(cls, settings: ListSettings) -> list[str]:
        """Name the list."""
        return [f"list:{settings.list}"] if settings.list else []


class ListAdded(_ListTrigger):
    """A contact is put on a list."""

    kind = "list_added"
    label = "Added to a list"
    icon = "list-add"
    description = "Starts when a contact is put on a list."

    @classmethod
    def facts(cls, settings: ListSettings) -> frozenset[str]:
        """Wait for additions."""
        return frozenset([f"list_added:{settings.list}"])

    @classmethod
    def words(cls, settings: ListSettings) -> str:
        """Say which list."""
        return f"Is added to the list “{settings.list or '…'}”"


class ListRemoved(_ListTrigger):
    """A contact is taken off a list."""

    kind = "list_removed"
    label = "Removed from a list"
    icon = "list-remove"
    description = "Starts when a contact is taken off a list."

    @classmethod
    def facts(cls, settings: ListSettings) -> frozenset[str]:
        """Wait for removals."""
        return frozenset([f"list_removed:{settings.list}"])

    @classmethod
    def words(cls, settings: ListSettings) -> str:
        """Say which list."""
        return f"Is removed from the list “{settings.list or '…'}”"


class AttributeSettings(NodeSettings):
    """Which attribute, from what, to what."""

    attribute: str = setting("", "Attribute", "attribute", max_length=128)
    how: Literal["any", "filled", "cleared"] = setting(
        "any",
        "Which change",
        "choice",
        choices={
            "any": "Any change",
            "filled": "It had no value and gets one",
            "cleared": "It had a value and loses it",
        },
    )
    was: Plain = setting(None, "Only from the value", "value", "Empty: from any value.")
    becomes: Plain = setting(None, "Only to the value", "value", "Empty: to any value.")
    filter: Criteria = only_who_match()


class AttributeChanged(Trigger[AttributeSettings]):
    """An attribute of the contact changes."""

    kind = "attribute_changed"
    label = "Attribute changed"
    icon = "tag"
    description = "Starts when an attribute of a contact changes, from or to a value if you like."
    Settings = AttributeSettings
    example = {"attribute": "customProperties.plan", "becomes": "pro"}
    carries = True

    @classmethod
    def facts(cls, settings: AttributeSettings) -> frozenset[str]:
        """Wait for changes with the values before and after."""
        return frozenset([fact_of(settings.attribute).replace("attribute:", "changed:", 1)])

    @classmethod
    def words(cls, settings: AttributeSettings) -> str:
        """Say which change."""
        name = in_a_sentence(settings.attribute) if settings.attribute else "…"
        if settings.how != "any":
            return f"{name} gets a value" if settings.how == "filled" else f"{name} loses its value"
        was = f" from {_said(settings.was)}" if settings.was is not None else ""
        becomes = f" to {_said(settings.becomes)}" if settings.becomes is not None else ""
        return f"{name} changes{was}{becomes}"

    @classmethod
    def faults(cls, settings: AttributeSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing attribute, one that nobody writes, and values that contradict each other."""
        name = settings.attribute
        if not name:
            return [("attribute", "Choose the attribute whose change starts this flow.")]
        if not (name in STANDARD or is_custom(name)):
            return [("attribute", f"There is no attribute “{name}”; your own are named customProperties.….")]
        if name in DERIVED:
            return [
                ("attribute", f"{name} is derived and changes by itself; start with an event or a segment instead.")
            ]
        if settings.was is not None and settings.was == settings.becomes:
            return [("becomes", "From a value to the same value is no change; write another.")]
        if settings.how == "cleared" and settings.becomes is not None:
            return [("becomes", "What loses its value becomes nothing; leave this empty.")]
        if settings.how == "filled" and settings.was is not None:
            return [("was", "What had no value was nothing; leave this empty.")]
        return []


def _said(value: Any) -> str:
    return f"“{str(value).lower() if isinstance(value, bool) else value}”"


class FinishedSettings(NodeSettings):
    """Which flow, and how it ended."""

    flow: str = setting("", "Flow", "flow", max_length=63)
    outcome: Literal["any", "completed", "exited", "failed"] = setting(
        "any",
        "How it ended",
        "choice",
        choices={
            "any": "However it ended",
            "completed": "Completed",
            "exited": "Exited before the end",
            "failed": "Failed",
        },
    )
    reason: str = setting(
        "", "Only for the reason", "text", "As the journey shows it, such as goal; empty: any.", max_length=200
    )
    filter: Criteria = only_who_match()


class FlowFinished(Trigger[FinishedSettings]):
    """Another flow has ended for the contact."""

    kind = "flow_finished"
    label = "Another flow finished"
    icon = "workflow"
    description = "Starts when a contact has completed or left another flow."
    Settings = FinishedSettings
    example = {"flow": "welcome", "outcome": "completed"}
    carries = True

    @classmethod
    def facts(cls, settings: FinishedSettings) -> frozenset[str]:
        """Wait for the ends of journeys."""
        return frozenset([f"finished:{settings.flow}"])

    @classmethod
    def words(cls, settings: FinishedSettings) -> str:
        """Say which flow and which end."""
        ended = {"any": "Has finished", "completed": "Has completed", "exited": "Has left", "failed": "Failed in"}
        reason = f", reason: {settings.reason}" if settings.reason else ""
        return f"{ended[settings.outcome]} the flow “{settings.flow or '…'}”{reason}"

    @classmethod
    def faults(cls, settings: FinishedSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing or unknown flow, and one that would start itself."""
        if not settings.flow:
            return [("flow", "Choose the flow whose end starts this one.")]
        if settings.flow == near.slug:
            return [("flow", "A flow cannot start itself by ending; allow re-entry in its settings instead.")]
        if settings.flow not in near.criteria.more.get("flow", {}):
            return [("flow", f"There is no flow “{settings.flow}”; choose another.")]
        return []

    @classmethod
    def uses(cls, settings: FinishedSettings) -> list[str]:
        """Name the flow."""
        return [f"flow:{settings.flow}"] if settings.flow else []


class ManualSettings(NodeSettings):
    """Who of those that were chosen."""

    filter: Criteria = only_who_match()


class Manual(Trigger[ManualSettings]):
    """A person or a program enrols contacts."""

    kind = "manual"
    label = "By hand or by API"
    icon = "segment-add"
    description = "Starts when somebody enrols a contact or a whole segment, here or by the API."
    Settings = ManualSettings
    example = {"filter": {"type": "EVERYONE"}}

    @classmethod
    def words(cls, settings: ManualSettings) -> str:
        """Say by whom."""
        return "Is enrolled by hand or by the API"
