"""The library of templates: a page to choose from, and the same by API."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flows import canvas
from flows.api import Door, find, shown
from flows.library import GROUPS, TEMPLATES, FlowTemplate, making, own
from flows.library_models import OwnTemplate
from flows.models import Flow
from flows.nodes import KINDS
from flows.wire import FlowOutput
from segmentation.wire import Strict
from workspace import purchases
from workspace.api import actor_of
from workspace.audit import Actor
from workspace.problems import Refused

OWN = "Your own"
RIGHTS = ("flows.add_flow", "segmentation.add_segment", "messaging.add_template")


@login_required
@require_http_methods(["GET", "POST"])
def flow_templates(request: HttpRequest) -> HttpResponse:
    """Show the library; POST makes a flow of one of its templates, or deletes one of the house's own."""
    if request.method == "POST":
        return _delete(request) if "delete" in request.POST else _make(request)
    found = told()
    return render(
        request,
        "flows/library.html",
        {
            "groups": [
                (group, some) for group in (OWN, *GROUPS) if (some := [one for one in found if one["group"] == group])
            ],
            "may_make": request.user.has_perms(RIGHTS),
            "may_delete": request.user.has_perm("flows.delete_flow"),
        },
    )


def _make(request: HttpRequest) -> HttpResponse:
    for right in RIGHTS:
        canvas.allow(request, right)
    try:
        flow = _made(request.POST.get("template", ""), Actor.of(user=request.user))
    except Refused as error:
        messages.error(request, error.detail)
        return redirect("flow_templates")
    messages.success(request, "The flow is made, with what it needs. Look it over, then activate it.")
    return redirect("flow", flow.pk)


def _made(slug: str, actor: Actor, name: str = "") -> Flow:
    """Make a flow of one of the house's own templates, or of the library's."""
    kept = OwnTemplate.objects.filter(slug=slug.replace("\x00", "")).first()
    return own.use(kept, actor=actor, name=name) if kept else making.make(slug, actor=actor, name=name)


def _delete(request: HttpRequest) -> HttpResponse:
    canvas.allow(request, "flows.delete_flow")
    kept = get_object_or_404(OwnTemplate, slug=request.POST["delete"].replace("\x00", ""))
    own.forget(kept, actor=Actor.of(user=request.user))
    messages.success(request, f"The template “{kept.name}” is deleted; flows that were made of it stay.")
    return redirect("flow_templates")


def told() -> list[dict[str, Any]]:
    """Return the templates, the house's own first, with what they do step by step, and what they need."""
    shop = purchases.mapping()
    kept = OwnTemplate.objects.order_by("name", "id")
    return [*map(_told_own, kept), *(_told(one, shop) for one in TEMPLATES.values())]


def _told_own(one: OwnTemplate) -> dict[str, Any]:
    document = one.document
    names = {each["slug"]: each["name"] for part in ("segments", "messages", "lists") for each in document[part]}
    nodes = [node for node in document["draft"]["nodes"] if node["kind"] in KINDS]
    return {
        "slug": one.slug,
        "name": one.name,
        "about": one.about,
        "group": OWN,
        "own": True,
        "steps": [_step(node, names) for node in nodes],
        "segments": [each["name"] for each in document["segments"]],
        "messages": [each["name"] for each in document["messages"]],
    }


def _told(one: FlowTemplate, shop: purchases.PurchaseMapping) -> dict[str, Any]:
    parts = one.build(shop)
    names = {**{each.slug: each.name for each in parts.audiences}, **{each.slug: each.name for each in parts.letters}}
    return {
        "slug": one.slug,
        "name": one.name,
        "about": one.about,
        "group": one.group,
        "own": False,
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
    own = serializers.BooleanField(help_text="Whether the house made it of a flow of its own; only those are deleted.")
    steps = serializers.ListField(child=serializers.DictField())
    segments = serializers.ListField(child=serializers.CharField())
    messages = serializers.ListField(child=serializers.CharField())


class FlowTemplateInput(Strict):
    """Which template, and what the flow is called."""

    template = serializers.CharField(max_length=63)
    name = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class KeepInput(Strict):
    """What the template is called, and what it is for."""

    name = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")
    about = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class KeepView(Door):
    """A flow as a template."""

    serializer_class = KeepInput
    write_permission = "flows.add_flow"

    @extend_schema(request=KeepInput, responses={201: FlowTemplateOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Keep the draft as a template of the house's own, with copies of the segments and messages it names."""
        made = own.keep(find(ref), actor=actor_of(request), **self.said(request))
        return Response(FlowTemplateOutput(_told_own(made)).data, status=201)


class OwnTemplateView(Door):
    """One of the house's own templates."""

    write_permission = "flows.delete_flow"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Delete it; the library's own cannot be deleted, and flows that were made of it stay."""
        if slug in TEMPLATES:
            raise Refused("The templates of the library stay; only those of your own can be deleted.", status=409)
        own.forget(get_object_or_404(OwnTemplate, slug=slug), actor=actor_of(request))
        return Response(status=204)


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
        flow = _made(said["template"], actor_of(request), said["name"])
        return shown(flow.pk, status=201)
