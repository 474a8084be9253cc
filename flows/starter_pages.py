"""The button "Create segment and flow" of a scenario."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from flows import starters
from segmentation.scenario_pages import again, said
from segmentation.scenarios import SCENARIOS
from segmentation.scenarios.making import make
from workspace import clock
from workspace.audit import Actor
from workspace.problems import Refused


@login_required
@permission_required(["segmentation.add_segment", "flows.add_flow"], raise_exception=True)
@require_POST
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the segment of a scenario and a draft flow for it, both or neither."""
    if slug not in SCENARIOS:
        raise Http404
    parameters, actor = SCENARIOS[slug].parameters, Actor.of(user=request.user)
    name = request.POST.get("name", "").replace("\x00", "").strip()
    try:
        with transaction.atomic():
            segment = make(slug, said(request, parameters), at=clock.now(), actor=actor, name=name)
            flow = starters.start(segment, slug, actor=actor)
    except Refused as refused:
        return again(request, "segmentation/scenario.html", parameters, refused, scenario=SCENARIOS[slug])
    messages.success(request, f"{segment.name} is made, with a draft of a flow for it. Look it over, then activate it.")
    return redirect("flow", flow.pk)
