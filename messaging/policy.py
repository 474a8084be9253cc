"""May it be said? One pure judgement, asked in preview and in the moment of sending alike (rule 35).

The gates stand in one order and the first that refuses is recorded. Workspace.caps is {"email": {"count": 3, "per":
"7d"}}; Workspace.quiet_hours is {"from": "21:00", "to": "08:00", "then": "wait" or "skip"}.
A flow's own stand in its messages' content: `quiet` (empty: none), `cap` ("exempt"), `zone`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from workspace.durations import Duration
from workspace.zones import is_zone

Outcome = Literal["go", "refuse", "hold", "wait"]
_CLOCK = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])$")
_LATE = re.compile(r"^send_if_under:(.+)$")
PAUSED_FOR = timedelta(minutes=1)


@dataclass(slots=True)  # not frozen: one is made for every message, and freezing trebles its price
class Scene:
    """All that is known about one message in the moment it would go."""

    at: datetime
    planned_at: datetime
    klass: str = "marketing"
    channel: str = "email"
    alive: bool = True
    stream: str = "open"
    house_held: bool = False
    in_audience: bool = True
    address: str = ""
    suppressed: bool = False
    consented: bool = False
    said: int = 0
    cap: int | None = None
    quiet_until: datetime | None = None
    quiet_skips: bool = False
    late: str = "always"
    released: bool = False
    fault: str = ""

    @property
    def marketing(self) -> bool:
        """Tell whether consent and caps are asked."""
        return self.klass == "marketing"

    @property
    def addressed(self) -> bool:
        """Tell whether it goes to the contact, rather than to another program."""
        return self.channel != "webhook"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the message: go, refuse (at a gate), hold for a person, or wait until an instant."""

    outcome: Outcome
    gate: str = ""
    reason: str = ""
    until: datetime | None = None


GO = Verdict("go")
UNASKED = ("onsite", "staff", "webhook")  # who comes to the site, one's own people, other programs


def asks_consent(channel: str) -> bool:
    """Tell whether marketing on a channel needs the contact's consent."""
    return channel not in UNASKED


Gate = Callable[[Scene], Verdict | None]


def judge(scene: Scene) -> Verdict:
    """Ask the gates in order and return the first verdict, or go."""
    for gate in GATES:
        if (verdict := gate(scene)) is not None:
            return verdict
    return GO


def _erased(scene: Scene) -> Verdict | None:
    return None if scene.alive else Verdict("refuse", "erased", "The contact was erased or merged.")


def _paused(scene: Scene) -> Verdict | None:
    if scene.stream == "closed":
        return Verdict("refuse", "paused", "What it came from has ended.")
    if scene.stream == "held":
        return Verdict("wait", "paused", "What it came from is paused.")
    if scene.house_held:
        return Verdict("wait", "paused", "All sending is stopped in the settings.", scene.at + PAUSED_FOR)
    return None


def _audience(scene: Scene) -> Verdict | None:
    return None if scene.in_audience else Verdict("refuse", "not in audience", "The contact left the audience.")


def _address(scene: Scene) -> Verdict | None:
    if scene.address or not scene.addressed:
        return None
    return Verdict("refuse", "no address", f"The contact has no usable address for {scene.channel}.")


def _suppressed(scene: Scene) -> Verdict | None:
    if not (scene.suppressed and scene.addressed):
        return None
    return Verdict("refuse", "suppressed", "The address is suppressed: it bounced, complained or was blocked by hand.")


def _consent(scene: Scene) -> Verdict | None:
    if scene.consented or not (scene.marketing and scene.addressed):
        return None
    return Verdict("refuse", "no consent", "The contact has not agreed to this, or has unsubscribed.")


def _cap(scene: Scene) -> Verdict | None:
    if scene.cap is None or not (scene.marketing and scene.addressed) or scene.said < scene.cap:
        return None
    return Verdict("refuse", "frequency cap", f"The contact was told {scene.said} times already in the cap's time.")


def _quiet(scene: Scene) -> Verdict | None:
    if scene.quiet_until is None or not (scene.marketing and scene.addressed):
        return None
    if scene.quiet_skips:
        return Verdict("refuse", "quiet hours", "It fell due in the contact's quiet hours.")
    return Verdict("wait", "quiet hours", "It waits for the contact's quiet hours to end.", scene.quiet_until)


def _late(scene: Scene) -> Verdict | None:
    if scene.released or scene.late == "always" or scene.at <= scene.planned_at:
        return None
    if scene.late == "hold":
        return _too_late(scene, timedelta(minutes=15), "hold")
    match = _LATE.match(scene.late)
    return _too_late(scene, Duration.parse(match[1]).longest if match else timedelta(days=1), "refuse")


def _too_late(scene: Scene, most: timedelta, outcome: Outcome) -> Verdict | None:
    if scene.at - scene.planned_at <= most:
        return None
    return Verdict(outcome, "late", f"It was meant to go {_ago(scene.at - scene.planned_at)} earlier.")


def _content(scene: Scene) -> Verdict | None:
    return Verdict("refuse", "content error", scene.fault) if scene.fault else None


GATES: tuple[Gate, ...] = (
    _erased,
    _paused,
    _audience,
    _address,
    _suppressed,
    _consent,
    _cap,
    _quiet,
    _late,
    _content,
)
QUESTIONS = {
    "erased": "The contact is there",
    "exited": "Still in the flow",
    "paused": "Sending is not paused",
    "not in audience": "Still in the audience",
    "no address": "Has an address",
    "suppressed": "The address is not suppressed",
    "no consent": "Has agreed to it",
    "frequency cap": "Under the frequency cap",
    "quiet hours": "Outside quiet hours",
    "late": "In time",
    "content error": "Can be rendered",
}
GATE_NAMES = tuple(QUESTIONS)


def cap_of(caps: Mapping[str, Any], channel: str) -> tuple[int, timedelta] | None:
    """Return how many marketing messages a contact may get on a channel, and within what time; None for no cap."""
    cap = caps.get(channel)
    if not isinstance(cap, dict) or not isinstance(cap.get("count"), int):
        return None
    try:
        return cap["count"], Duration.parse(cap.get("per", "1d")).longest
    except ValueError:
        return None


def zone_for(wish: Any, contact: str, house: str) -> str:
    """Return the zone of a contact's clock: a wish is {"name": zone, "first": before or after the contact's own}."""
    name, first = (str(wish.get("name", "")), bool(wish.get("first"))) if isinstance(wish, dict) else ("", False)
    return (name or contact or house) if first else (contact or name or house)


def quiet_until(quiet: Mapping[str, Any], at: datetime, zone: str) -> datetime | None:
    """Return when the quiet hours that an instant falls into end, in a zone; None when it falls into none."""
    begins, ends = (_time(quiet.get(name)) for name in ("from", "to"))
    if begins is None or ends is None or begins == ends:
        return None
    here = ZoneInfo(zone if is_zone(zone) else "UTC")
    local = at.astimezone(here)
    clock = local.time()
    inside = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
    if not inside:
        return None
    day = local.date() + (timedelta(days=1) if clock >= ends else timedelta())
    return datetime.combine(day, ends, tzinfo=here).astimezone(UTC)


def _time(text: Any) -> time | None:
    match = _CLOCK.match(text) if isinstance(text, str) else None
    return time(int(match[1]), int(match[2])) if match else None


def _ago(gap: timedelta) -> str:
    hours = gap.total_seconds() / 3600
    return (
        f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
    )
