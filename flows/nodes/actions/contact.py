"""Changing what is known of the contact, letting them have done something, and erasing them."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator

from contacts.services import faults_of
from flows.nodes.base import (
    Decision,
    End,
    Go,
    Node,
    NodeSettings,
    Port,
    Scene,
    Stay,
    StepSettings,
    Surroundings,
    setting,
)
from flows.nodes.effects import DeleteContact, RecordEvent, UpdateContact
from flows.nodes.values import NOTHING, resolved, source_of, value_fault, value_words

ERASED = "contact erased"


class AttributeChange(NodeSettings):
    """One change of one attribute: set, clear, increment or append; by a constant, the event's or an answer's value."""

    attribute: str = Field(min_length=1, max_length=200, title="Attribute")
    set: Any = None
    clear: bool = False
    increment: Any = None
    append: Any = None

    @model_validator(mode="after")
    def _one_verb(self) -> "AttributeChange":
        given = self.model_fields_set - {"attribute"}
        if len(given) != 1 or ("clear" in given and not self.clear):
            raise ValueError("Give exactly one of set, clear, increment and append.")
        if "increment" in given and not (_is_number(self.increment) or source_of(self.increment)[0]):
            raise ValueError("Increase by a number.")
        return self

    @property
    def verb(self) -> str:
        """Return what is done."""
        return next(iter(self.model_fields_set - {"attribute"}))

    @property
    def value(self) -> Any:
        """Return by what."""
        return getattr(self, self.verb)

    @property
    def name(self) -> str:
        """Return the attribute as people call it."""
        return self.attribute.removeprefix("customProperties.")

    def of(self, scene: Scene) -> dict[str, Any] | None:
        """Return the change as this journey makes it; None where the event or the answer carries no such value."""
        value = resolved(self.value, scene.context)
        if value is NOTHING or (self.verb == "increment" and not _is_number(value)):
            return None
        return {"attribute": self.attribute, self.verb: value}

    def words(self) -> str:
        """Say the change in English."""
        said = {"set": "Set", "clear": "Clear", "increment": "Increase", "append": "Append to"}[self.verb]
        if self.verb == "clear":
            return f"{said} {self.name}"
        return f"{said} {self.name} …" if self.value == "" else f"{said} {self.name}: {value_words(self.value)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class UpdateContactSettings(StepSettings):
    """The changes, in order."""

    changes: list[AttributeChange] = setting(list, "Changes", "changes", max_length=50)


class UpdateContactNode(Node[UpdateContactSettings]):
    """Change attributes of the contact."""

    kind = "update_contact"
    group = "action"
    label = "Update contact"
    icon = "edit"
    description = "Sets, clears, increments or appends to attributes."
    Settings = UpdateContactSettings
    example = {"changes": [{"attribute": "customProperties.plan", "set": "pro"}]}

    @classmethod
    def decide(cls, settings: UpdateContactSettings, scene: Scene) -> Decision:
        """Change them and go on; a value that the event or an answer lacks changes nothing."""
        made = [change for one in settings.changes if (change := one.of(scene)) is not None]
        if faults := faults_of(made):  # what the event carries may not fit: this journey's trouble alone
            raise ValueError(faults[0].message)
        return Go(effects=(UpdateContact(tuple(made)),) if made else ())

    @classmethod
    def words(cls, settings: UpdateContactSettings) -> str:
        """Say what changes."""
        return "; ".join(one.words() for one in settings.changes[:3]) or "Update contact …"

    @classmethod
    def faults(cls, settings: UpdateContactSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find an empty list, values from nowhere, and attributes that nobody may write."""
        if not settings.changes:
            return [("changes", "Add at least one change.")]
        return [
            (f"changes[{at}].{path}" if path else f"changes[{at}]", message)
            for at, one in enumerate(settings.changes)
            for path, message in _change_faults(one, near)
        ]


def _change_faults(one: AttributeChange, near: Surroundings) -> list[tuple[str, str]]:
    if one.verb in ("set", "append") and one.value == "":
        return [(one.verb, f"Say what {one.name} becomes, or choose Clear to take its value away.")]
    if fault := value_fault(one.value, near):
        return [(one.verb, fault)]
    constant: Any = one.value if not source_of(one.value)[0] else 1 if one.verb == "increment" else None
    found = faults_of([{"attribute": one.attribute, one.verb: constant}], "")
    return [(fault.path.removeprefix("[0]").removeprefix("."), fault.message) for fault in found]


class Property(NodeSettings):
    """One property of an event: a constant, the event's or an answer's value."""

    name: str = Field(min_length=1, max_length=128, title="Property")
    value: Any = None


class RecordEventSettings(StepSettings):
    """Which event, with which properties."""

    event: str = setting("", "Event", "event", max_length=200)
    properties: list[Property] = setting(list, "Properties", "properties", max_length=50)


class RecordEventNode(Node[RecordEventSettings]):
    """Let the contact have done something."""

    kind = "record_event"
    group = "action"
    label = "Record an event"
    icon = "record"
    description = "Records an event on the contact; segments and other flows see it."
    Settings = RecordEventSettings
    example = {"event": "Loyalty Level Reached", "properties": [{"name": "level", "value": "gold"}]}

    @classmethod
    def decide(cls, settings: RecordEventSettings, scene: Scene) -> Decision:
        """Record it and go on; a property that the event or an answer lacks is left out."""
        said = {one.name: resolved(one.value, scene.context) for one in settings.properties}
        return Go(effects=(RecordEvent(settings.event, {k: v for k, v in said.items() if v is not NOTHING}),))

    @classmethod
    def words(cls, settings: RecordEventSettings) -> str:
        """Say which event."""
        return f"Record “{settings.event or '…'}”"

    @classmethod
    def faults(cls, settings: RecordEventSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing name, names used twice and values from nowhere."""
        found = [] if settings.event.strip() else [("event", "Name the event.")]
        names = [one.name for one in settings.properties]
        for at, one in enumerate(settings.properties):
            if fault := value_fault(one.value, near):
                found.append((f"properties[{at}].value", fault))
            elif one.name in names[:at]:
                found.append((f"properties[{at}].name", f"“{one.name}” is named twice."))
        return found


class DeleteContactSettings(StepSettings):
    """That it is meant."""

    sure: bool = setting(
        False,
        "Yes, erase the contact",
        "switch",
        "All personal data goes, everywhere, and does not come back; the journey ends here.",
    )


class DeleteContactNode(Node[DeleteContactSettings]):
    """Erase the contact once all that this journey said has settled."""

    kind = "delete_contact"
    group = "action"
    label = "Delete contact"
    icon = "delete"
    description = "Erases the contact for good, when earlier messages of the journey have gone."
    Settings = DeleteContactSettings
    example = {"sure": True}
    comes_last = True

    @classmethod
    def ports(cls, settings: DeleteContactSettings) -> Sequence[Port]:
        """Have no way out: nobody is left who could go on."""
        return ()

    @classmethod
    def decide(cls, settings: DeleteContactSettings, scene: Scene) -> Decision:
        """Wait for earlier messages, then erase."""
        if scene.unsettled:
            return Stay(wake_on=f"message:{scene.unsettled}", parked="Waits until earlier messages have gone")
        return End(ERASED, effects=(DeleteContact(),))

    @classmethod
    def faults(cls, settings: DeleteContactSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Ask whether it is meant."""
        return [] if settings.sure else [("sure", "Confirm that contacts who come here are erased.")]
