"""What flows would do about the moves of a segment, and what they are called where something is used by them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from django.urls import reverse

from flows.foretelling import foretell
from flows.models import Enrollment, Flow
from flows.plans import Plan, plans_of
from segmentation.hearing import Heard, Moved

INSIDE = (Flow.Status.RUNNING, Flow.Status.PAUSED, Flow.Status.DRAINING)


def heard(moved: Sequence[Moved], at: datetime) -> list[Heard]:
    """Say which flows would start, and which journeys end, when these contacts join and leave segments."""
    flows = {one.version_id or 0: one for one in Flow.objects.filter(status__in=INSIDE).exclude(version=None)}
    of = {one.segment: one for one in moved}
    told: list[Heard] = []
    for version, plan in plans_of(flows).items():
        if plan.trigger.kind == "contact_segment" and plan.trigger.settings.segment in of:
            told += _of(flows[version], plan, of[plan.trigger.settings.segment], at)
    return sorted(told, key=lambda one: (one.via != "", one.does == "ends", one.name))


def _of(flow: Flow, plan: Plan, moved: Moved, at: datetime) -> Iterator[Heard]:
    when, via = plan.trigger.settings.when, moved.via
    comes, goes = (moved.joins, moved.leaves) if when == "enters" else (moved.leaves, moved.joins)
    url = reverse("flow", args=[flow.pk])
    if flow.status == Flow.Status.RUNNING and plan.settings.entry != "current" and not moved.muted:
        told = foretell(flow, plan, moved.segment, comes, at)
        yield Heard(flow.slug, flow.name, url, when, "starts", told.count, told.refused, told.left_out, via)
    if plan.settings.exit_on_leave:
        other = "leaves" if when == "enters" else "enters"
        inside = Enrollment.objects.filter(flow=flow, status="active", contact__in=goes.values("pk"))
        yield Heard(flow.slug, flow.name, url, other, "ends", inside.count(), via=via)


def called(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the name and page of flows by slug."""
    rows = Flow.objects.filter(slug__in=slugs).values_list("slug", "name", "pk")
    return {slug: (name, reverse("flow", args=[pk])) for slug, name, pk in rows}
