"""May this contact enter this flow now: one decision from values alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workspace.durations import Duration

MOST_ENTRIES_AN_HOUR = 20

GONE = "contact_gone"
NOT_RUNNING = {"paused": "paused", "draining": "draining", "draft": "not_running", "ended": "not_running"}
EARLY = "before_activation"
SILENT = "silent"
OLD = "too_old"
NOT_FIRST = "not_the_first_time"
NOT_AGAIN = "not_again"
TOO_SOON = "absent_too_briefly"
MEANWHILE = "no_longer_so"
INSIDE = "already_inside"
ONCE = "no_reentry"
FILTER = "filter"
EXIT = "exit_condition"
GAP = "gap"
LOOP = "loop"
CEILING = "ceiling"
NOT_YET = "not_started"
OVER = "over"

REASONS = {
    GONE: "the contact was erased or merged",
    "paused": "the flow was paused",
    "draining": "the flow takes nobody in any more",
    "not_running": "the flow was not running",
    EARLY: "it happened before the flow was activated",
    SILENT: "it came from an import or an edit that fires nothing",
    OLD: "the event is older than the flow takes",
    NOT_FIRST: "it is not the first time",
    NOT_AGAIN: "it is the first time, and the flow waits for the second",
    TOO_SOON: "the contact was away too briefly",
    MEANWHILE: "it was no longer so when it was asked again",
    INSIDE: "the contact was already in the flow",
    ONCE: "the contact was in the flow before, and may not enter again",
    FILTER: "the trigger's filter does not hold",
    EXIT: "the exit condition already holds",
    GAP: "the contact left the flow too recently; asked again when the gap ends",
    LOOP: "the contact entered more than 20 times within an hour",
    CEILING: "the flow has reached its ceiling",
    NOT_YET: "the flow has not begun yet",
    OVER: "the flow is over",
}


@dataclass(slots=True, kw_only=True)  # not frozen: one for every reason to start, and freezing trebles its price
class Facts:
    """All that the decision may know about one reason to start."""

    now: datetime
    at: datetime  # the instant of the fact
    source: str = "transition"
    status: str = "running"
    activated_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    alive: bool = True
    fires: bool = True
    max_age: timedelta | None = None
    which: str = "any"
    nth: int = 1
    absence: timedelta | None = None
    least_absence: Duration | None = None
    still: bool = True
    still_after: Duration | None = None  # who is still in the segment is asked again each time so long after
    inside: bool = False
    last_exit: datetime | None = None
    reentry: Duration | None = None  # the gap; None: never again
    filter_holds: bool = True
    exit_holds: bool = False
    recent: int = 0
    entered: int = 0
    entered_today: int = 0
    ceiling: int | None = None
    daily_ceiling: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Enrolled (no reason), or refused for a reason, perhaps to be asked again."""

    reason: str = ""
    again_at: datetime | None = None

    @property
    def enrolled(self) -> bool:
        """Tell whether the contact enters."""
        return not self.reason


ENROLLED = Verdict()
BY_HAND = frozenset({"manual", "api"})
FACTS = frozenset(
    {"transition", "event", "list", "attribute", "finished", "date"}
)  # sources that happened at an instant
AGED = frozenset({"event", "attribute", "date"})  # of these, what may come to be known late


def judge(facts: Facts) -> Verdict:
    """Say whether the contact enters; the gap comes late, so that being refused for it means only for it."""
    reason = _state(facts) or _time(facts) or _which(facts) or _past(facts) or _criteria(facts)
    if reason:
        asked_again = facts.source == "still" and reason in (FILTER, EXIT) and facts.still_after is not None
        return Verdict(reason, facts.still_after.after(facts.now) if asked_again and facts.still_after else None)
    if facts.last_exit is not None and facts.reentry is not None and facts.source != "restart":
        again = facts.reentry.after(facts.last_exit)
        if facts.now < again:
            return Verdict(GAP, again)
    return Verdict(_limits(facts))


def _state(facts: Facts) -> str:
    if not facts.alive:
        return GONE
    if facts.status != "running":
        return NOT_RUNNING.get(facts.status, "not_running")
    if facts.starts_at is not None and facts.now < facts.starts_at:
        return NOT_YET
    if facts.ends_at is not None and facts.now >= facts.ends_at:
        return OVER
    return "" if facts.still else MEANWHILE


def _time(facts: Facts) -> str:
    if facts.source not in FACTS:
        return ""
    if not facts.fires:
        return SILENT
    if facts.activated_at is not None and facts.at < facts.activated_at:
        return EARLY
    old = facts.max_age is not None and facts.now - facts.at > facts.max_age
    return OLD if old and facts.source in AGED else ""


def _which(facts: Facts) -> str:
    if facts.source != "transition" or facts.which == "any":
        return ""
    if facts.which == "first":
        return "" if facts.nth == 1 else NOT_FIRST
    if facts.nth == 1 or facts.absence is None:
        return NOT_AGAIN
    if facts.least_absence is None or facts.least_absence.after(facts.at - facts.absence) <= facts.at:
        return ""
    return TOO_SOON


def _past(facts: Facts) -> str:
    if facts.inside:
        return INSIDE
    never = facts.reentry is None and facts.last_exit is not None
    return ONCE if never and facts.source not in (*BY_HAND, "restart") else ""


def _criteria(facts: Facts) -> str:
    if not facts.filter_holds:
        return FILTER
    return EXIT if facts.exit_holds else ""


def _limits(facts: Facts) -> str:
    if facts.recent >= MOST_ENTRIES_AN_HOUR:
        return LOOP
    if facts.ceiling is not None and facts.entered >= facts.ceiling:
        return CEILING
    return CEILING if facts.daily_ceiling is not None and facts.entered_today >= facts.daily_ceiling else ""
