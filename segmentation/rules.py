"""Immutable revisions of criteria documents, shared by all who ask the same."""

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.criteria import Criteria, parse, reread
from segmentation.models import SegmentRule


def save_rule(document: Any, catalogue: Catalogue | None = None) -> SegmentRule:
    """Return the rule of a document, made when there is none yet; raise Refused with its faults."""
    return rule_of(parse(document, catalogue or load_catalogue()))


def rule_of(criteria: Criteria) -> SegmentRule:
    """Return the rule of criteria that were read."""
    said = {"document": criteria.document, "reads": criteria.reads, "clock": criteria.clock}
    return SegmentRule.objects.get_or_create(digest=criteria.digest, defaults=said)[0]


def criteria_of(rules: Iterable[int]) -> dict[int, Criteria]:
    """Return the criteria of saved rules by id."""
    found = SegmentRule.objects.filter(pk__in=set(rules)).values_list("pk", "digest", "document")
    return {pk: remembered(Saved(digest, document)) for pk, digest, document in found}


def by_digest(digests: Collection[str]) -> dict[str, Criteria]:
    """Return the criteria of saved rules by digest; a document is fetched once per process, for it never changes."""
    missing = [one for one in digests if one not in _fetched]
    if missing:
        if len(_fetched) > REMEMBERED:
            _fetched.clear()
            missing = list(digests)
        found = SegmentRule.objects.filter(digest__in=missing).values_list("digest", "document")
        _fetched.update({digest: remembered(Saved(digest, document)) for digest, document in found})
    return {one: _fetched[one] for one in digests}


REMEMBERED = 4096
_fetched: dict[str, Criteria] = {}


class Saved:
    """A saved document, known by its digest."""

    def __init__(self, digest: str, document: dict[str, Any]) -> None:
        self.digest = digest
        self.document = document

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Saved) and other.digest == self.digest


@lru_cache(maxsize=REMEMBERED)
def remembered(saved: Saved) -> Criteria:
    """Read a saved document once per process."""
    return reread(saved.document)
