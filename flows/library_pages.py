"""The library of templates: a page to choose from, and the same by API."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flows import canvas
from flows.api import Door, shown
from flows.library import GROUPS, TEMPLATES, FlowTemplate, making
from flows.nodes import KINDS
from flows.wire import FlowOutput
from segmentation.wire import Strict
from workspace import purchases
from workspace.api import actor_of
from workspace.audit import Actor
from workspace.problems import Refused

RIGHTS = ("flows.add_flow", "segmentation.add_segment", "messaging.add_template")


@login_required
@require_http_methods(["GET", "POST"])
def flow_templates(request: HttpRequest) -> HttpResponse:
    """Show the library; POST makes a flow of one of its templates."""
    if request.method == "POST":
        return _make(request)
    found = told()
    return render(
        request,
        "flows/library.html",
        {
            "groups": [(group, [one for one in found if one["group"] == group]) for group in GROUPS],
            "may_make": request.user.has_perms(RIGHTS),
        },
    )


def _make(request: HttpRequest) -> HttpResponse:
    for right in RIGHTS:
        canvas.allow(request, right)
    try:
        flow = making.make(request.POST.get("template", ""), actor=Actor.of(user=request.user))
    except Refused as error:
        messages.error(request, error.detail)
        return redirect("flow_templates")
    messages.success(request, "The flow is made, with what it needs. Look it over, then activate it.")
    return redirect("flow", flow.pk)


def told() -> list[dict[str, Any]]:
    """Return the templates with what they do step by step, and what they need."""
    shop = purchases.mapping()
    return [_told(one, shop) for one in TEMPLATES.values()]


def _told(one: FlowTemplate, shop: purchases.PurchaseMapping) -> dict[str, Any]:
    parts = one.build(shop)
    names = {**{each.slug: each.name for each in parts.audiences}, **{each.slug: each.name for each in parts.letters}}
    return {
        "slug": one.slug,
        "name": one.name,
        "about": one.about,
        "group": one.group,
        "steps": [_step(node, names) for node in parts.nodes],
        "segments": [audience.name for audience in parts.audiences],
        "messages": [letter.name for letter in parts.letters],
    }


def _step(node: dict[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    kind = KINDS[node["kind"]]
    said = node["name"] or kind.words(kind.read(node["settings"]))
    for slug, name in names.items():
        said = said.replace(f"“{slug}”", f"“{name}”")
    return {"kind": node["kind"], "icon": canvas.icon_of(kind), "words": said}


class FlowTemplateOutput(serializers.Serializer[Any]):
    """A template of the library."""

    slug = serializers.CharField()
    name = serializers.CharField()
    about = serializers.CharField()
    group = serializers.CharField()
    steps = serializers.ListField(child=serializers.DictField())
    segments = serializers.ListField(child=serializers.CharField())
    messages = serializers.ListField(child=serializers.CharField())


class FlowTemplateInput(Strict):
    """Which template, and what the flow is called."""

    template = serializers.CharField(max_length=63)
    name = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class FlowTemplatesView(Door):
    """The library of templates."""

    serializer_class = FlowTemplateInput
    pagination_class = None
    write_permission = "flows.add_flow"

    @extend_schema(responses=FlowTemplateOutput(many=True))
    def get(self, request: Request) -> Response:
        """List the templates with their steps and what they need."""
        return Response(FlowTemplateOutput(told(), many=True).data)

    @extend_schema(request=FlowTemplateInput, responses={201: FlowOutput})
    def post(self, request: Request) -> Response:
        """Make a flow of a template, with the segments and messages it needs; nothing runs until it is activated."""
        said = self.said(request)
        flow = making.make(said["template"], name=said["name"], actor=actor_of(request))
        return shown(flow.pk, status=201)
