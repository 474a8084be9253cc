"""The activation settings as a person fills them in: what the dialog shows, and what comes back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from flows import activation
from flows.activation import Activation
from flows.form_reading import duration_text, read_criteria
from flows.forms import duration_parts
from flows.models import Flow
from workspace.models import Workspace
from workspace.problems import Fault, Refused

CRITERIA = ("exit_when", "restart_when", "goal")
UNDER = "send_if_under:"
MINUTE = "%Y-%m-%dT%H:%M"
# the names of the dialog's plain fields; the first of each line says which of the others count
NAMES = (
    *("zone", "timezone"),
    *("quiet", "quiet_from", "quiet_to", "quiet_then"),
    "cap_class",
    *("late", "late_count", "late_unit"),
    *("ceiling_total", "ceiling_daily", "ceiling_then"),
    *("starts_at", "ends_at"),
    *("age_count", "age_unit"),
    *("conversion_event", "conversion_count", "conversion_unit", "conversion_value"),
)


def stored(flow: Flow) -> dict[str, Any]:
    """Return the activation settings of a flow as the dialog shows them."""
    settings = activation.read(flow.settings)
    return {
        "entry": settings.entry,
        "reentry": settings.reentry.allowed,
        "after": duration_parts(settings.reentry.after),
        "exit_on_leave": settings.exit_on_leave,
        "take_in": False,
        **{name: getattr(settings, name) for name in CRITERIA},
        **_plain(settings),
    }


def _plain(settings: Activation) -> dict[str, str]:
    return {
        "zone": settings.zone,
        "timezone": settings.timezone,
        "cap_class": settings.cap_class,
        "ceiling_total": str(settings.ceilings.total or ""),
        "ceiling_daily": str(settings.ceilings.daily or ""),
        "ceiling_then": settings.ceilings.then,
        "starts_at": _local(settings.starts_at),
        "ends_at": _local(settings.ends_at),
        **_parts("age", settings.max_event_age),
        **_quiet(settings),
        **_late(settings.late),
        **_conversion(settings),
    }


def _parts(name: str, duration: str) -> dict[str, str]:
    parts = duration_parts(duration)
    return {f"{name}_count": parts.get("count", ""), f"{name}_unit": parts.get("unit", "d")}


def _quiet(settings: Activation) -> dict[str, str]:
    own = settings.quiet_hours
    which = "none" if settings.ignore_quiet_hours else "own" if own else "house"
    times = {"quiet_from": own.begins, "quiet_to": own.ends, "quiet_then": own.then} if own else {}
    return {"quiet": which, "quiet_from": "21:00", "quiet_to": "08:00", "quiet_then": "wait", **times}


def _late(late: str) -> dict[str, str]:
    under = late.startswith(UNDER)
    return {"late": "under" if under else late, **_parts("late", late.removeprefix(UNDER) if under else "24h")}


def _conversion(settings: Activation) -> dict[str, str]:
    one = settings.conversion
    said = {"conversion_event": one.event if one else "", "conversion_value": one.value if one else ""}
    return {**said, **_parts("conversion", one.within if one else "30d")}


def zone() -> str:
    """Return the zone that dates in the dialog are written in: the workspace's."""
    return Workspace.objects.values_list("timezone", flat=True).get(pk=1)


def _local(at: datetime | None) -> str:
    return at.astimezone(ZoneInfo(zone())).strftime(MINUTE) if at else ""


def shown(post: QueryDict) -> dict[str, Any]:
    """Return what a person sent, as the dialog shows it."""
    return {
        "entry": post.get("entry", "new"),
        "reentry": bool(post.get("reentry")),
        "after": {"count": post.get("after.count", ""), "unit": post.get("after.unit", "d")},
        "exit_on_leave": bool(post.get("exit_on_leave")),
        "take_in": bool(post.get("take_in")),
        **{name: read_criteria(post.get(name, ""), name, []) for name in CRITERIA},
        **{name: post.get(name, "") for name in NAMES},
    }


def read(flow: Flow, post: QueryDict) -> dict[str, Any]:
    """Return the activation settings a person sent, over those the dialog did not send; refuse what cannot be read."""
    faults: list[Fault] = []
    settings = {
        **flow.settings,
        "entry": post.get("entry") or flow.settings.get("entry", "new"),
        "reentry": _reentry(post, faults),
        "exit_on_leave": bool(post.get("exit_on_leave")),
        **{name: read_criteria(post.get(name, ""), name, faults) for name in CRITERIA if name in post},
        **(_read_plain(post, faults) if "zone" in post else {}),
    }
    if faults:
        raise Refused("The activation settings have faults.", faults)
    return settings


def _reentry(post: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    after = duration_text(post.get("after.count", ""), post.get("after.unit", "d"))
    allowed = bool(post.get("reentry"))
    if allowed and not after:
        faults.append(Fault("reentry.after", "Say how long to wait, between 1 hour and 365 days."))
    return {"allowed": allowed, **({"after": after} if after else {})}


def _read_plain(post: QueryDict, faults: list[Fault]) -> dict[str, Any]:
    said = {name: post.get(name, "").strip() for name in NAMES}
    under = duration_text(said["late_count"], said["late_unit"])
    if said["late"] == "under" and not under:
        faults.append(Fault("late", "Say how late is still in time, such as 24 hours."))
    return {
        **{name: said[name] for name in ("zone", "timezone", "cap_class")},
        "late": f"{UNDER}{under}" if said["late"] == "under" and under else said["late"] or "always",
        "ceilings": {
            "total": _number(said, "ceiling_total", faults),
            "daily": _number(said, "ceiling_daily", faults),
            "then": said["ceiling_then"] or "refuse",
        },
        "quiet_hours": _read_quiet(said) if said["quiet"] == "own" else None,
        "ignore_quiet_hours": said["quiet"] == "none",
        **{name: _instant(said, name, faults) for name in ("starts_at", "ends_at")},
        "max_event_age": duration_text(said["age_count"], said["age_unit"]),
        "conversion": _read_conversion(said, faults),
    }


def _read_quiet(said: Mapping[str, str]) -> dict[str, str]:
    return {"from": said["quiet_from"], "to": said["quiet_to"], "then": said["quiet_then"] or "wait"}


def _number(said: Mapping[str, str], name: str, faults: list[Fault]) -> int | None:
    text = said[name].replace(",", "").replace(" ", "")
    if text and not (text.isdecimal() and len(text) <= 12):
        faults.append(Fault(f"ceilings.{name.removeprefix('ceiling_')}", "Write a whole number, or leave it empty."))
        return None
    return int(text) if text else None


def _instant(said: Mapping[str, str], name: str, faults: list[Fault]) -> str | None:
    if not said[name]:
        return None
    try:
        return datetime.fromisoformat(said[name]).replace(tzinfo=ZoneInfo(zone())).isoformat()
    except (ValueError, OverflowError):
        faults.append(Fault(name, "Write a date and a time, such as 2026-03-01 09:00."))
        return None


def _read_conversion(said: Mapping[str, str], faults: list[Fault]) -> dict[str, str] | None:
    if not said["conversion_event"]:
        return None
    within = duration_text(said["conversion_count"], said["conversion_unit"])
    if not within:
        faults.append(Fault("conversion.within", "Say how long after entering it counts, such as 30 days."))
    return {"event": said["conversion_event"], "within": within or "30d", "value": said["conversion_value"]}
