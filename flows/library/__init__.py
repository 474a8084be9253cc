"""Templates of flows, each with all that it needs: segments, lists, attributes and messages."""

from flows.library.base import FlowTemplate
from flows.library.keeping import KEEPING
from flows.library.selling import SELLING
from flows.library.welcoming import WELCOMING

TEMPLATES: dict[str, FlowTemplate] = {one.slug: one for one in (*WELCOMING, *SELLING, *KEEPING)}
GROUPS = tuple(dict.fromkeys(one.group for one in TEMPLATES.values()))

__all__ = ["GROUPS", "TEMPLATES", "FlowTemplate"]
