"""Criteria in words and in SQL, for people to read."""

import re
from collections.abc import Iterable
from typing import Any

import sqlparse

from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import Criteria, parse, reread, words
from segmentation.measures import Scene
from segmentation.models import Segment, SegmentRule
from segmentation.rules import Saved, remembered
from workspace import clock
from workspace.problems import Refused


def sentences(segments: Iterable[Segment]) -> dict[int, str]:
    """Return the criteria of dynamic segments in words, by segment id."""
    return {one.pk: in_words(one.rule) for one in segments if one.rule is not None}


def in_words(rule: SegmentRule) -> str:
    """Say a rule in words, or why it can no longer be said."""
    try:
        return sentence(words(remembered(Saved(rule.digest, rule.document))))
    except Refused as refused:
        return refused.detail


def sentence(said: str) -> str:
    """Begin with a capital, unless a property's name stands there."""
    first = said.partition(" ")[0]
    return said if "." in first or first != first.lower() else said[:1].upper() + said[1:]


def check(document: Any) -> Criteria:
    """Read a document against what is known now; raise Refused with its faults."""
    return parse(document, load_catalogue())


def compiled_sql(document: Any) -> str:
    """Return the query that a document becomes, with its values in place, for reading only."""
    scene = Scene(at=clock.now(), catalogue=load_catalogue())
    rendered = matching_set(reread(document), scene)
    values = iter(rendered.params)
    text = re.sub("%s", lambda _: repr(next(values)), rendered.text)
    return str(sqlparse.format(text, reindent=True))
