"""What the buttons on the pages of segments do: one verb each, through the services."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from contacts import by_hand
from segmentation import history, recomputing, services
from segmentation.models import Membership, Segment
from workspace.audit import Actor
from workspace.problems import Refused
from workspace.uses import InUse


@permission_required("segmentation.change_segment", raise_exception=True)
def press(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Do what the pressed button names, and say what came of it."""
    verb = next((BUTTONS[name] for name in BUTTONS if name in request.POST), None)
    if verb is None:
        messages.error(request, "That button is not known here. Reload the page.")
        return redirect("segment", segment.pk)
    try:
        where = verb(request, segment)
    except InUse as used:
        messages.error(
            request, f"{segment.name} is used by {', '.join(used.users)}. Archive it, or change those first."
        )
        where = redirect("segment_uses", segment.pk)
    except Refused as refused:
        messages.error(request, refused.detail)
        where = None
    return where or (redirect("segments") if request.POST.get("back") else redirect("segment", segment.pk))


Button = Callable[[HttpRequest, Segment], HttpResponse | None]


def actor(request: HttpRequest) -> Actor:
    """Name who pressed."""
    return Actor.of(user=request.user)


def refresh(request: HttpRequest, segment: Segment) -> None:
    """Evaluate it again."""
    services.refresh_segment(segment, actor=actor(request))
    messages.success(request, f"{segment.name} is being evaluated.")


def duplicate(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Make another of the same rules."""
    copy = services.duplicate_segment(segment, actor=actor(request))
    messages.success(request, f"{copy.name} is made.")
    return redirect("segment", copy.pk)


def archive(request: HttpRequest, segment: Segment) -> None:
    """Put it away."""
    services.archive_segment(segment, actor=actor(request))
    messages.success(request, f"{segment.name} is archived.")


def unarchive(request: HttpRequest, segment: Segment) -> None:
    """Take it out again."""
    services.unarchive_segment(segment, actor=actor(request))
    messages.success(request, f"{segment.name} is out of the archive.")


def mute(request: HttpRequest, segment: Segment) -> None:
    """Let no flow hear of its moves, or let them hear again and say what they missed."""
    missed = history.missed(segment)
    services.mute_segment(segment, muted="mute" in request.POST, actor=actor(request))
    if "mute" in request.POST:
        messages.warning(request, f"{segment.name} is muted: its moves are written, and no flow hears of them.")
    elif missed:
        said = f"{missed['entered']:,} came and {missed['exited']:,} left while {segment.name} was muted"
        messages.info(request, f"Flows hear again. {said}; no flow heard of those, and none will.")


def freeze(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Make a static copy, of now or of the instant that the page shows."""
    copy = services.freeze_segment(segment, at=history.read_instant(request.POST["freeze"]), actor=actor(request))
    if recomputing.is_running(copy.pk):
        messages.info(request, f"{copy.name} is being made; this page says how far it is.")
    else:
        messages.success(request, f"{copy.name} holds {services.size_of(copy):,} contacts, and stays as it is.")
    return redirect("segment", copy.pk)


def cancel(request: HttpRequest, segment: Segment) -> None:
    """Ask the running evaluation to stop."""
    services.cancel_evaluation(segment, actor=actor(request))
    static = segment.kind == Segment.Kind.STATIC
    said = (
        "It stops; nobody is copied." if static else "The evaluation stops; the members stay those of the one before."
    )
    messages.info(request, said)


def delete(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Delete it unless something uses it."""
    if not request.user.has_perm("segmentation.delete_segment"):
        raise PermissionDenied
    services.delete_segment(segment, actor=actor(request))
    messages.success(request, f"{segment.name} is deleted.")
    return redirect("segments")


def add(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Put whoever was picked, pasted or in the file in, and say whom nobody knows."""
    named = by_hand.named_in(request)
    inside = set(Membership.objects.filter(segment=segment, contact__in=named.ids).values_list("contact_id", flat=True))
    new = [pk for pk in named.ids if pk not in inside]
    if named.ids:
        added = services.add_members(segment, new, cause="manual", actor=actor(request))
        messages.success(request, f"{added:,} added, {len(inside):,} were in it already.")
    by_hand.remember(request, segment.ref, "added", new, named.unknown)
    if named.unknown:
        more = f" and {len(named.unknown) - 5:,} more" if len(named.unknown) > 5 else ""
        messages.warning(request, f"Not known here: {', '.join(named.unknown[:5])}{more}.")
    if not named.ids and not named.unknown:
        messages.warning(request, "Name at least one contact.")
    if named.cut:
        messages.warning(request, f"Only the first {by_hand.MOST:,} were taken.")
    return redirect("segment_members", segment.pk)


def remove(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Take one out, or those who were chosen."""
    one = request.POST.get("remove", "")  # the button of one row
    said = [one] if one else request.POST.getlist("chosen")
    chosen = [int(text) for text in said if text.isascii() and text.isdigit() and len(text) < 18]
    inside = Membership.objects.filter(segment=segment, contact__in=chosen)
    ids = list(inside.values_list("contact_id", flat=True))
    if ids:
        gone = services.remove_members(segment, ids, cause="manual", actor=actor(request))
        by_hand.remember(request, segment.ref, "removed", ids)
        messages.success(request, f"{gone:,} taken out.")
    return redirect("segment_members", segment.pk)


def undo(request: HttpRequest, segment: Segment) -> HttpResponse:
    """Take back what was done to its members last."""
    act, ids = by_hand.undo(request, segment.ref)
    if act == "added":
        services.remove_members(segment, ids, cause="manual", actor=actor(request))
    elif act == "removed":
        services.add_members(segment, ids, cause="manual", actor=actor(request))
    messages.info(request, "Undone." if ids else "There is nothing to undo any more.")
    return redirect("segment_members", segment.pk)


BUTTONS: dict[str, Button] = {
    "refresh": refresh,
    "duplicate": duplicate,
    "archive": archive,
    "unarchive": unarchive,
    "mute": mute,
    "unmute": mute,
    "freeze": freeze,
    "cancel": cancel,
    "delete": delete,
    "add": add,
    "remove": remove,
    "take_out": remove,
    "undo": undo,
}
