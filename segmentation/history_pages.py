"""The pages of what was and of what is beside it: overlap, and what uses a segment."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from segmentation.listing import tone_of
from segmentation.models import Segment
from segmentation.overlap import MOST, Overlap, overlap
from segmentation.segment_pages import find, frame
from workspace.uses import users_of


@login_required
@require_GET
def overlaps(request: HttpRequest) -> HttpResponse:
    """Show how two to four chosen segments overlap."""
    numbers = [int(text) for text in request.GET.getlist("s") if text.isdecimal() and len(text) < 18]
    known = Segment.objects.in_bulk(numbers)
    picked = [known[pk] for pk in dict.fromkeys(numbers) if pk in known]
    context = {
        "crumbs": [{"label": "Segments", "url": reverse("segments")}, {"label": "Overlap"}],
        "choices": Segment.objects.filter(archived_at=None).order_by("name", "id").values_list("pk", "name"),
        "boxes": [picked[n].pk if n < len(picked) else 0 for n in range(MOST)],
        "many": len(picked) > MOST,
        "few": bool(request.GET) and len(picked) < 2,
    }
    if 2 <= len(picked) <= MOST:
        context["found"] = drawn(overlap(picked))
    return render(request, "segmentation/overlap.html", context)


def drawn(found: Overlap) -> dict[str, object]:
    """Return an overlap as the chart shows it: the largest combinations first, each with its dots and its bar."""
    largest = max((region.only for region in found.regions), default=0) or 1
    rows = [
        {
            "region": region,
            "dots": [(one, one in region.inside) for one in found.segments],
            "words": " and ".join(one.name for one in region.inside)
            + (" and no other" if len(region.inside) < len(found.segments) else ""),
            "percent": round(100 * region.only / largest, 1),
        }
        for region in sorted(found.regions, key=lambda one: (-one.only, len(one.inside)))
    ]
    sizes = {region.inside[0].pk: region.all for region in found.regions if len(region.inside) == 1}
    heads = [{"segment": one, "tone": tone_of(one), "size": sizes[one.pk]} for one in found.segments]
    return {"rows": rows, "heads": heads, "any": found.any}


@login_required
@require_GET
def uses(request: HttpRequest, pk: int) -> HttpResponse:
    """List what uses a segment."""
    found = find(pk)
    context = {"users": users_of(f"segment:{found.slug}"), **frame(found, "segment_uses")}
    return render(request, "segmentation/used_by.html", context)
