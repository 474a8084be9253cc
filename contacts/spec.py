"""Reading one item of the Segment tracking spec into values; nothing here knows the database."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.instants import LATEST, corrected, read_instant
from contacts.traits import Traits, read_traits
from workspace.problems import refuse

KINDS = ("identify", "track", "page", "screen", "group", "alias")
MAX_ID = 255
MAX_NAME = 200
PAGE = "Page Viewed"
GROUP = "Group"


@dataclass(frozen=True, slots=True)
class Source:
    """Where items come from: message ids are accepted once per name.

    `public`: anybody may hold the key, so nothing is matched or merged by email or phone and consent is not believed.
    `importing`: an import never raises consent over an unsubscribe. `seen`: its events show that the contact was here.
    """

    name: str
    public: bool = False
    importing: bool = False
    seen: bool = True


@dataclass(slots=True)
class Item:
    """What one call says, in the house's words."""

    index: int
    kind: str
    message_id: str
    user_id: str
    anonymous_id: str
    at: datetime
    occurred_at: datetime
    event: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    traits: Traits | None = None
    previous_id: str = ""
    contact_id: int | None = None  # the contact it is about, when the caller knows
    make: bool = False  # it makes a contact, whoever has the same address
    claimed: datetime | None = None  # when it happened, by the sender's clock
    sent_at: datetime | None = None  # when it was sent, by the same clock

    def arrive(self, received_at: datetime) -> None:
        """Say when it arrived: that is when it happened, unless it claims an instant; none counts as later."""
        self.at = self.occurred_at = received_at
        if self.claimed is not None:
            self.occurred_at = corrected(self.claimed, self.sent_at, received_at)
            self.at = min(self.occurred_at, received_at)


def read_item(item: Mapping[str, Any], *, index: int, source: Source) -> Item:
    """Read one item, which has yet to arrive, or raise Refused with the one fault that keeps it out."""
    if not isinstance(item, dict):
        raise refuse("", "An item must be a JSON object.")
    kind = item.get("type")
    if kind not in KINDS:
        raise refuse("type", f"Say what kind of call this is: one of {', '.join(KINDS)}.")
    message_id = _id(item, "messageId") or uuid.uuid4().hex
    read = Item(index, kind, message_id, _id(item, "userId"), _id(item, "anonymousId"), LATEST, LATEST)
    _read_instants(item, read)
    _READERS[kind](item, read, source)
    _require_identity(read, source)
    return read


def _read_instants(item: Mapping[str, Any], read: Item) -> None:
    for name in ("timestamp", "originalTimestamp"):
        claimed = item.get(name)
        if claimed is not None:
            read.claimed, read.sent_at = read_instant(claimed), read_instant(item.get("sentAt"))
            if read.claimed is None:
                raise refuse(name, "Write an ISO 8601 instant between 1900 and 2200, like 2026-03-01T12:00:00Z.")
            return


def _id(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if value.__class__ is str and len(value) <= MAX_ID:  # as nearly all are
        return str(value.strip())
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise refuse(name, "An id is a text.")
    value = value.strip()
    if len(value) > MAX_ID:
        raise refuse(name, f"The id is {len(value)} characters long; at most {MAX_ID} are taken.")
    return value


def _object(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = item.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(name, f"{name} must be a JSON object.")
    return value


def _name(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise refuse(key, "Name the event with a text that is not empty.")
    if len(name) > MAX_NAME:
        raise refuse(key, f"The name is {len(name)} characters long; at most {MAX_NAME} are taken.")
    return name


def _track(item: Mapping[str, Any], read: Item, source: Source) -> None:
    read.event = _name(item, "event")
    read.properties = _object(item, "properties")
    _object(item, "context")


def _page(item: Mapping[str, Any], read: Item, source: Source) -> None:
    read.event = PAGE
    read.properties = dict(_object(item, "properties"))
    page = _object(item, "context").get("page")
    for name, value in (page if isinstance(page, dict) else {}).items():
        read.properties.setdefault(name, value)
    for name in ("name", "category"):
        if isinstance(item.get(name), str) and item[name]:
            read.properties.setdefault(name, item[name])
    if read.kind == "screen":
        read.properties.setdefault("screen", True)


def _identify(item: Mapping[str, Any], read: Item, source: Source) -> None:
    context = _object(item, "context")
    traits = {**_object(context, "traits"), **_object(item, "traits")}
    read.traits = read_traits(traits, trusted=not source.public)


def _group(item: Mapping[str, Any], read: Item, source: Source) -> None:
    group_id = _id(item, "groupId")
    if not group_id:
        raise refuse("groupId", "Name the group: send groupId.")
    group = {**_object(item, "traits"), "groupId": group_id}
    read.event, read.properties = GROUP, group
    read.traits = Traits(group=group)


def _alias(item: Mapping[str, Any], read: Item, source: Source) -> None:
    read.previous_id = _id(item, "previousId")
    if not read.previous_id or not read.user_id:
        raise refuse("previousId" if read.user_id else "userId", "An alias names both previousId and userId.")


_READERS = {
    "identify": _identify,
    "track": _track,
    "page": _page,
    "screen": _page,
    "group": _group,
    "alias": _alias,
}


def _require_identity(read: Item, source: Source) -> None:
    if read.user_id or read.anonymous_id:
        return
    traits = read.traits
    if not source.public and traits and (traits.standard.get("email") or traits.standard.get("phone")):
        return
    raise refuse("userId", "Name the contact: send userId or anonymousId.")
