"""What flows would do about the moves of a segment, and what they are called where something is used by them."""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from contacts.models import Contact
from flows.models import Enrollment, Flow
from flows.plans import Plan, plans_of
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.hearing import Heard
from segmentation.rules import criteria_of

INSIDE = (Flow.Status.RUNNING, Flow.Status.PAUSED, Flow.Status.DRAINING)


def heard(slug: str, joins: QuerySet[Contact], leaves: QuerySet[Contact], at: datetime) -> list[Heard]:
    """Say which flows would start, and which journeys end, when these contacts join and leave a segment."""
    flows = {one.version_id or 0: one for one in Flow.objects.filter(status__in=INSIDE).exclude(version=None)}
    told: list[Heard] = []
    for version, plan in plans_of(flows).items():
        if plan.trigger.kind == "contact_segment" and plan.trigger.settings.segment == slug:
            told += _of(flows[version], plan, joins, leaves, at)
    return sorted(told, key=lambda one: (one.does == "ends", one.name))


def _of(flow: Flow, plan: Plan, joins: QuerySet[Contact], leaves: QuerySet[Contact], at: datetime) -> Iterator[Heard]:
    when = plan.trigger.settings.when
    comes, goes = (joins, leaves) if when == "enters" else (leaves, joins)
    url = reverse("flow", args=[flow.pk])
    if flow.status == Flow.Status.RUNNING and plan.settings.entry != "current":
        yield Heard(flow.slug, flow.name, url, when, "starts", _starts(flow, plan, comes, at).count())
    if plan.settings.exit_on_leave:
        other = "leaves" if when == "enters" else "enters"
        inside = Enrollment.objects.filter(flow=flow, status="active", contact__in=goes.values("pk"))
        yield Heard(flow.slug, flow.name, url, other, "ends", inside.count())


def _starts(flow: Flow, plan: Plan, comes: QuerySet[Contact], at: datetime) -> QuerySet[Contact]:
    """Return those whom the filter lets in and who are not inside, nor were when nobody may enter twice."""
    been = Enrollment.objects.filter(flow=flow, contact=OuterRef("pk"))
    been = been.filter(status="active") if plan.settings.reentry.allowed else been
    found = comes.exclude(Exists(been))
    if plan.filter is None:
        return found
    return found.filter(q(criteria_of([plan.filter])[plan.filter], at=at, catalogue=load_catalogue()))


def called(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the name and page of flows by slug."""
    rows = Flow.objects.filter(slug__in=slugs).values_list("slug", "name", "pk")
    return {slug: (name, reverse("flow", args=[pk])) for slug, name, pk in rows}
