"""The rules a segment has had: which, since when, by whom; two of them side by side."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.db.models import Q

from segmentation.models import Segment, SegmentRule
from segmentation.sentences import in_words
from workspace.models import Audit
from workspace.reviews import named

MOST = 200  # changes of criteria that are looked at


@dataclass(frozen=True, slots=True)
class Revision:
    """A rule as a segment had it, from an instant on."""

    rule: SegmentRule
    since: datetime
    by: str
    words: str
    current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of two documents side by side."""

    old: str
    new: str
    differs: bool


def of(segment: Segment) -> list[Revision]:
    """Return the rules a segment has had, newest first."""
    changes = _changes(segment)
    if segment.rule is None:
        return []
    starts = [(segment.created_at, segment.created_by, None, changes[-1].detail["rules"][0])] if changes else []
    stands = [(one.at, one.actor, one.key, one.detail["rules"][1]) for one in changes] + starts
    stands = stands or [(segment.created_at, segment.created_by, None, segment.rule.digest[:12])]
    rules = _rules(digest for *_, digest in stands)
    return [
        Revision(rule, at, named(actor, key), in_words(rule), rule.pk == segment.rule_id)
        for at, actor, key, digest in stands
        if (rule := rules.get(digest)) is not None
    ]


def _changes(segment: Segment) -> list[Audit]:
    """Return the lines of the record that say that criteria were changed, newest first."""
    found = Audit.objects.filter(subject=segment.ref, verb="segment.changed", detail__has_key="rules")
    return list(found.select_related("actor", "key").order_by("-id")[:MOST])


def _rules(digests: Iterable[str]) -> dict[str, SegmentRule]:
    """Find rules by the beginnings of their digests, as the record keeps them."""
    wanted = Q(pk=None)
    for one in set(digests):
        wanted |= Q(digest__startswith=one)
    return {rule.digest[:12]: rule for rule in SegmentRule.objects.filter(wanted)}


def beside(old: Any, new: Any) -> Iterator[Line]:
    """Set two documents side by side, line by line."""
    left, right = (json.dumps(one, indent=2, ensure_ascii=False).splitlines() for one in (old, new))
    for what, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for at in range(max(b - a, d - c)):
            one = left[a + at] if a + at < b else ""
            other = right[c + at] if c + at < d else ""
            yield Line(one, other, what != "equal")
