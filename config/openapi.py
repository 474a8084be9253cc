"""How the API's page says what a key is, and what the bodies of calls look like."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from config import review_examples
from contacts import examples as contact_examples
from segmentation import examples as segment_examples

EXAMPLES: dict[str, Any] = {**contact_examples.EXAMPLES, **segment_examples.EXAMPLES, **review_examples.EXAMPLES}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # drf-spectacular registers it without types
    """`Authorization: Bearer <key>`."""

    target_class = "workspace.api.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "description": "A key of scope read or manage."}


def with_examples(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Put each call's example beside its schema."""
    for named, example in EXAMPLES.items():
        method, _, path = named.partition(" ")
        said = result.get("paths", {}).get(f"/api/v1/{path}", {}).get(method.lower(), {})
        for media, content in said.get("requestBody", {}).get("content", {}).items():
            content["example"] = example["csv"] if media == "text/csv" else example
    return result
