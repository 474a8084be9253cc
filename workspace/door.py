"""What every view of the API shares: what it does not know it refuses, in the body and in the address."""

from typing import Any

from rest_framework import exceptions, generics
from rest_framework.request import Request

from workspace.problems import Fault, Refused

PAGING = frozenset({"cursor", "limit"})
READING = ("GET", "HEAD", "OPTIONS")


class Door(generics.GenericAPIView[Any]):
    """A view of the API: the document of OpenAPI says what it takes, and it takes nothing else."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Come in: known, allowed, and asking only for what there is."""
        super().initial(request, *args, **kwargs)
        work = getattr(self, (request.method or "").lower(), None)
        if work is None:
            return
        paged = PAGING if self.pagination_class and request.method in READING else frozenset()
        said = self.said_of(work)
        _refuse_unknown(request, paged | {one.name for one in said.get_override_parameters()} if said else paged)
        if request.method not in READING and said and said.get_request_serializer() is None:
            _refuse_body(request)

    def said_of(self, work: Any) -> Any:
        """Return what the document of OpenAPI says of a method, or None when it says nothing special."""
        schema = getattr(work, "kwargs", {}).get("schema")
        if schema is None:
            return None
        said = schema()
        said.view = self
        return said


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    if not (unknown := sorted(set(request.query_params) - known)):
        return
    there = f"known are {', '.join(sorted(known))}" if known else "this address takes none"
    faults = [Fault(f"?{name[:60]}", f"There is no such query parameter; {there}.") for name in unknown[:20]]
    raise Refused("The address has query parameters that are not known here.", faults)


def _refuse_body(request: Request) -> None:
    try:
        if not request.data:
            return
    except exceptions.UnsupportedMediaType:  # a form of no fields, as some clients send with every POST
        return
    names = [str(name)[:60] for name in request.data] if isinstance(request.data, dict) else [""]
    raise Refused("This call takes no body.", [Fault(name, "There is no such property; remove it.") for name in names])
