"""Nodes that cannot do their work at all: one notice for staff per node, however many stand there, until it is over."""

from django.urls import reverse

from flows.models import Enrollment, Flow
from workspace import notices
from workspace.models import Notice

KIND = "flow.blocked"


def tell(flow_id: int, node: str, reason: str) -> None:
    """Tell staff that a node is blocked, once while it is."""
    name = Flow.objects.values_list("name", flat=True).get(pk=flow_id)
    notices.tell(
        KIND,
        _subject(flow_id, node),
        f"“{name[:100]}” stands still at a step",
        f"{reason} Those who stand at “{node}” go on by themselves within five minutes once that is mended.",
        reverse("flow", args=[flow_id]) + f"?node={node}",
        "flows.change_flow",
    )


def settle_over() -> int:
    """Settle the notices of nodes at which nobody is blocked any more, and return how many."""
    stuck = Enrollment.objects.filter(status=Enrollment.Status.ACTIVE, parked__startswith="blocked:")
    places = {_subject(flow, node) for flow, node in stuck.values_list("flow_id", "node").distinct()}
    standing = Notice.objects.filter(kind=KIND, settled_at=None).values_list("subject", flat=True)
    return sum(notices.settle(KIND, one) for one in standing if one not in places)


def _subject(flow_id: int, node: str) -> str:
    return f"flo_{flow_id}:{node}"
