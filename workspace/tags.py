"""ETags: the first half names what people change of a thing, the second all that is shown of it."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest

from workspace.problems import Refused


def tag(changed: Any, shown: Any) -> str:
    """Return the ETag of a thing: what the house itself keeps changing (a size, a date) stands in `shown` alone."""
    return f'"{_short(changed)}.{_short(shown)}"'


def refuse_stale(request: HttpRequest, changed: Any, thing: str) -> None:
    """Honour If-Match: refuse a change by somebody who read another state, whatever the house did to it meanwhile."""
    wanted = request.headers.get("If-Match", "")
    tags = [one.strip().removeprefix("W/").strip('"').partition(".")[0] for one in wanted.split(",") if one.strip()]
    if tags and "*" not in tags and _short(changed) not in tags:
        raise Refused(f"This {thing} has changed since you read it. Read it again and repeat your change.", status=412)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
