"""The API of predefined scenarios and personas: /api/v1/segments/scenarios/."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from segmentation.api import ANYTHING, Door, shown
from segmentation.listing import with_state
from segmentation.models import Segment
from segmentation.scenarios import PERSONAS, SCENARIOS, Scenario
from segmentation.scenarios.making import Filled, fill, fill_personas, make, make_personas
from segmentation.wire import SLUG, SegmentOutput, Strict, segments_out
from workspace import clock
from workspace.api import actor_of
from workspace.filing import Filed


class FillInput(Strict):
    """The parameters of a scenario; those left out have their defaults."""

    parameters = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=100),
        required=False,
        help_text='Such as {"often": "4", "high": "top 20%", "recent": "90d"}.',
    )


class MakeInput(FillInput):
    """A scenario to be made into a segment."""

    name = serializers.CharField(required=False, max_length=120)
    slug = serializers.RegexField(SLUG, required=False)


class ScenariosView(Door):
    """What there is to choose from."""

    serializer_class = FillInput

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List the scenarios and personas with their parameters."""
        return Response({"results": [described(one) for one in SCENARIOS.values()]})


class ScenarioView(Door):
    """One scenario."""

    serializer_class = MakeInput

    @extend_schema(request=MakeInput, responses={201: SegmentOutput, 202: Filed})
    def post(self, request: Request, slug: str) -> Response:
        """Make a segment of a scenario; it is evaluated afterwards."""
        said = self.said(request)
        columns = {key: said.get(key, "") for key in ("name", "slug")}
        made = make(slug, said.get("parameters", {}), at=clock.now(), actor=actor_of(request), **columns)
        return shown(made.pk, status=201)


class ScenarioPreviewView(Door):
    """Whom a scenario would find."""

    serializer_class = FillInput
    write_scope = "read"

    @extend_schema(request=FillInput, responses=ANYTHING)
    def post(self, request: Request, slug: str) -> Response:
        """Answer the criteria, the thresholds as numbers, the words and how many match now."""
        return Response(told(fill(slug, self.said(request).get("parameters", {}), clock.now())))


class PersonasView(Door):
    """All eight personas at once."""

    serializer_class = FillInput

    @extend_schema(request=FillInput, responses={201: SegmentOutput(many=True), 202: Filed})
    def post(self, request: Request) -> Response:
        """Make all eight with one set of thresholds, or none of them."""
        made = make_personas(self.said(request).get("parameters", {}), at=clock.now(), actor=actor_of(request))
        rows = with_state(Segment.objects.filter(pk__in=[one.pk for one in made]).select_related("rule")).order_by("pk")
        return Response({"results": segments_out(list(rows))}, status=201)


class PersonasPreviewView(Door):
    """Whom all eight would find."""

    serializer_class = FillInput
    write_scope = "read"

    @extend_schema(request=FillInput, responses=ANYTHING)
    def post(self, request: Request) -> Response:
        """Answer each persona with its criteria and how many match now."""
        filled = fill_personas(self.said(request).get("parameters", {}), clock.now())
        return Response({"results": [told(one) for one in filled]})


def described(one: Scenario) -> dict[str, Any]:
    """Return a scenario as it goes over the wire."""
    parameters = [
        {
            "name": p.name,
            "label": p.label,
            "kind": p.kind,
            "default": p.default,
            "optional": p.optional,
            "by_share": p.by_share,
            "choices": [name for name, _ in p.choices],
        }
        for p in one.parameters
    ]
    kind = "persona" if one in PERSONAS else "scenario"
    said = {"slug": one.slug, "kind": kind, "name": one.name, "description": one.description, "goal": one.goal}
    return {**said, "parameters": parameters}


def told(filled: Filled) -> dict[str, Any]:
    """Return a scenario filled in as it goes over the wire."""
    return {
        "slug": filled.scenario.slug,
        "name": filled.scenario.name,
        "parameters": filled.parameters,
        "criteria": filled.document,
        "words": filled.words,
        "count": filled.size,
    }
