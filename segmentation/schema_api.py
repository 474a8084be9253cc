"""The rule language for programs: its JSON schema, made of the kinds of conditions themselves."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from segmentation.api import ANYTHING, Door
from segmentation.criteria import json_schema


class CriteriaSchemaView(Door):
    """What a criteria document may say."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """Return the JSON schema of criteria documents, tagged by `type`, with an example of each condition."""
        return Response(json_schema())
