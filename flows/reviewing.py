"""Reviews of changes to flows: what differs from what runs, who is inside, and doing it."""

from typing import Any

from django.urls import reverse

from flows import canvas, checking, proposals, publishing, services
from flows.models import Flow, Version
from flows.publishing_dialogs import changes
from workspace.audit import Actor
from workspace.models import Review
from workspace.problems import Refused, refuse
from workspace.reviews import OPEN

SAID = {
    "activate": "Publish the draft and let the flow run",
    "resume": "Let the flow run on by other settings",
    "publish": "Publish the draft as the next version",
    "rollback": "Publish an old version again",
}
CHOICE = ("inside", "nodes", "waits")
CHANGED = "The draft has changed since this was asked; look at it and ask again."


class FlowReviews:
    """Flows, as reviews know them."""

    kind = proposals.KIND
    label = "Flows"
    template = "flows/_review_change.html"

    def right(self, verb: str) -> str:
        """Return the permission that doing it needs."""
        return "flows.run_flow" if verb in SAID else "flows.change_flow"

    def named(self, ref: str) -> tuple[str, str, str] | None:
        """Return id, name and page."""
        found = _find(ref)
        return (found.ref, found.name, reverse("flow", args=[found.pk])) if found else None

    def before(self, review: Review, *, hold: bool = False) -> dict[str, Any]:
        """Return what stands now; refuse a flow that is gone or whose draft is another."""
        if not review.subject:
            return {}
        flow = _find(review.subject, hold=hold)
        if flow is None:
            raise Refused(f"“{review.title}” is not there any more: it was deleted.", status=409)
        return proposals.stands(flow)

    def do(self, verb: str, subject: str, request: dict[str, Any], *, actor: Actor) -> str:
        """Make the change through the services, unless the draft is another by now."""
        flow = _find(subject)
        if flow is None:
            raise refuse("subject", "There is no such flow; it may have been deleted.", 409)
        if verb not in SAID:
            raise refuse("verb", f"verb is one of {', '.join(SAID)}.")
        if "draft" in request and request["draft"] != proposals.digest_of(flow):
            raise refuse("draft", CHANGED, 409)
        choice = {name: request[name] for name in CHOICE if name in request}
        if verb == "activate":
            services.activate(flow, settings=request.get("settings"), actor=actor)
        elif verb == "resume":
            take_in = bool(request.get("take_in"))
            services.resume(flow, settings=request.get("settings"), take_in=take_in, actor=actor)
        elif verb == "publish":
            services.publish_flow(flow, actor=actor, **choice)
        else:
            services.roll_back(flow, version=_number(request), actor=actor, **choice)
        return flow.ref

    def told(self, review: Review) -> dict[str, Any]:
        """Return what the page shows of a change."""
        flow, live = _find(review.subject), review.status in OPEN
        said = {"said": SAID.get(review.verb, ""), "live": live, "version": review.request.get("version")}
        if flow is None or not live:
            return {**said, "changes": [], "inside": [], "problem": ""}
        drawn = canvas.draw(flow)
        inside = [
            {**one, "title": drawn.titles.get(one["node"], one["node"])}
            for one in publishing.publication_plan(flow)["inside"]
        ]
        moved = _is_another(review, flow)
        shown = [] if review.verb == "rollback" else changes(flow, drawn)
        return {**said, "changes": shown, "inside": inside, "problem": CHANGED if moved else _faults(flow)}

    def difference(self, review: Review) -> dict[str, Any]:
        """Return what differs, for programs."""
        told = self.told(review)
        return {"changes": told["changes"], "inside": told["inside"], **self.outcome(review)}

    def outcome(self, review: Review) -> dict[str, Any]:
        """Return what it is in numbers: the version that runs now."""
        newest = Version.objects.filter(flow=_find(review.subject)).order_by("-number").first()
        return {"version": newest.number} if newest else {}

    def differed(self, review: Review) -> dict[str, Any]:
        """Return what differs for the record."""
        return {"draft": review.request.get("draft", ""), "version": review.before.get("version")}

    def editor(self, review: Review) -> str:
        """Return the canvas."""
        flow = _find(review.subject)
        return reverse("flow", args=[flow.pk]) if flow else ""


def _find(ref: str, *, hold: bool = False) -> Flow | None:
    number = ref.removeprefix("flo_")
    if not (number.isdecimal() and len(number) < 19):
        return Flow.objects.select_related("version").filter(slug=ref.replace("\x00", "")).first() if ref else None
    found = Flow.objects.select_related("version").filter(pk=int(number))
    return (found.select_for_update(of=("self",), no_key=True) if hold else found).first()


def _number(request: dict[str, Any]) -> int:
    number = request.get("version")
    if not isinstance(number, int) or isinstance(number, bool):
        raise refuse("version", "Say which version to go back to.")
    return number


def _is_another(review: Review, flow: Flow) -> bool:
    wanted = review.request.get("draft")
    return wanted is not None and wanted != proposals.digest_of(flow)


def _faults(flow: Flow) -> str:
    errors = [one.message for one in checking.check(flow) if one.severity == "error"]
    return errors[0] if errors else ""


REVIEWS = FlowReviews()
