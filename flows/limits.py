"""What stops a flow by itself: its end date, and a ceiling beyond which somebody should look first."""

import structlog
from django.db.models.fields.json import KeyTextTransform
from django.urls import reverse

from flows import activation, entry, services
from flows.models import Entry, Flow
from workspace import clock, notices
from workspace.audit import HOUSE
from workspace.problems import Refused

log = structlog.get_logger()


def keep() -> int:
    """Drain the flows that are over, pause those that more wanted to enter than they may take; return how many."""
    return _end_on_time() + _break_circuits()


def _end_on_time() -> int:
    live = Flow.objects.filter(status__in=[Flow.Status.RUNNING, Flow.Status.PAUSED])
    over = live.annotate(ends=KeyTextTransform("ends_at", "version__settings")).filter(
        ends__lte=activation.instant_text(clock.now())
    )
    return sum(_drain(flow) for flow in over)


def _drain(flow: Flow) -> bool:
    try:
        services.drain(flow, actor=HOUSE)
    except Refused:  # somebody was faster
        return False
    return True


def _break_circuits() -> int:
    limited = Flow.objects.filter(status=Flow.Status.RUNNING, version__settings__ceilings__then="pause")
    return sum(_break(flow) for flow in limited if _refused_since_it_runs(flow))


def _refused_since_it_runs(flow: Flow) -> bool:
    since = flow.resumed_at or flow.activated_at
    return Entry.objects.filter(flow=flow, reason=entry.CEILING, at__gt=since).exists()


def _break(flow: Flow) -> bool:
    try:
        services.pause(flow, actor=HOUSE, mode=Flow.Pause.HOLD_DUE)
    except Refused:
        return False
    log.warning("flow.ceiling_reached", flow=flow.pk)
    notices.tell(
        "flow.ceiling",
        flow.ref,
        f"“{flow.name[:100]}” is paused: more contacts wanted to enter than its ceiling allows",
        "Look whether that is what you expect; then raise the ceiling, or let it run again.",
        reverse("flow", args=[flow.pk]),
        "flows.run_flow",
    )
    return True
