"""From what a person fills in to segments: thresholds resolved, documents sized, segments made."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from segmentation import services
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.criteria import parse, words
from segmentation.matching import count
from segmentation.models import Segment
from segmentation.scenarios import PERSONAS, SCENARIOS, THRESHOLDS, Parameter, Scenario, read_parameters
from segmentation.scenarios.quantiles import quantile
from segmentation.sentences import sentence
from workspace import purchases
from workspace.approval import Proposal, guarded
from workspace.audit import Actor
from workspace.problems import Fault, Refused
from workspace.purchases import PurchaseMapping

TOP = re.compile(r"^top\s*(\d{1,2}(?:\.\d)?)\s*%?$", re.IGNORECASE)
PREFIX = "persona-"  # by these slugs the set of eight is known again
Said = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Filled:
    """A scenario filled in: its parameters as numbers, its document, and whom it finds."""

    scenario: Scenario
    parameters: dict[str, Any]
    document: dict[str, Any]
    words: str
    size: int


def fill(slug: str, said: Said, at: datetime, *, sized: bool = True) -> Filled:
    """Return one scenario filled in; raise Refused for an unknown one or wrong parameters."""
    if slug not in SCENARIOS:
        raise Refused(f"There is no scenario “{slug[:60]}”.", status=404)
    one = SCENARIOS[slug]
    return _filled([one], one.parameters, said, at, sized=sized)[0]


def fill_personas(said: Said, at: datetime) -> list[Filled]:
    """Return all eight personas filled in with one set of thresholds."""
    return _filled(PERSONAS, THRESHOLDS, said, at, sized=True)


def documents_of(said: Said, at: datetime) -> dict[str, dict[str, Any]]:
    """Return the documents of all eight personas by slug."""
    return {one.scenario.slug: one.document for one in _filled(PERSONAS, THRESHOLDS, said, at, sized=False)}


def make(scenario: str, said: Said, /, *, at: datetime, actor: Actor, name: str = "", slug: str = "") -> Segment:
    """Make an ordinary segment of a scenario."""
    return _make(fill(scenario, said, at, sized=False), actor, name=name, slug=slug)


def _proposed(said: Said, *, at: datetime, actor: Actor) -> Proposal:
    return Proposal("segment", "personas", "", "All eight personas", {"parameters": dict(said)})


@guarded("segment", _proposed)
@transaction.atomic
def make_personas(said: Said, *, at: datetime, actor: Actor) -> list[Segment]:
    """Make all eight personas with one set of thresholds, or none of them."""
    taken = Segment.objects.filter(slug__in=[PREFIX + one.slug for one in PERSONAS]).values_list("name", flat=True)
    if taken:
        names = ", ".join(sorted(taken))
        raise Refused(
            f"These stand already: {names}. Change or delete them first, or make the others one by one.", status=409
        )
    return [
        _make(one, actor, slug=PREFIX + one.scenario.slug)
        for one in _filled(PERSONAS, THRESHOLDS, said, at, sized=False)
    ]


def _filled(
    scenarios: Iterable[Scenario], parameters: tuple[Parameter, ...], said: Said, at: datetime, *, sized: bool
) -> list[Filled]:
    mapping, currency, catalogue = purchases.mapping(), purchases.currency(), load_catalogue()
    values = resolve(parameters, said, at, mapping, currency, catalogue)
    found = []
    for one in scenarios:
        document = one.document({p.name: values[p.name] for p in one.parameters}, mapping, currency)
        told = sentence(words(parse(document, catalogue)))
        found.append(Filled(one, values, document, told, count(document, at) if sized else 0))
    return found


def resolve(
    parameters: tuple[Parameter, ...],
    said: Said,
    at: datetime,
    mapping: PurchaseMapping,
    currency: str,
    catalogue: Catalogue,
) -> dict[str, Any]:
    """Return what was said with every share ("top 20%") as the number that it is among the workspace's own contacts."""
    shares = {
        one.name: share for one in parameters if one.quantile and (share := _share(said.get(one.name))) is not None
    }
    values = read_parameters(parameters, {name: value for name, value in said.items() if name not in shares})
    for one in parameters:
        if one.quantile is None or one.name not in shares:
            continue
        number = quantile(one.quantile(mapping, currency, values), shares[one.name], at, catalogue)
        if not number or number <= 0:
            raise Refused(
                "A threshold has nothing to go by.",
                [Fault(one.name, f"Nobody has done “{mapping.purchase}” in that time; write a number instead.")],
            )
        values[one.name] = _plain(number)
    return {name: "" if value is None else value for name, value in values.items()}


def _share(said: object) -> float | None:
    match = TOP.match(str(said or "").strip())
    return 1 - float(match[1]) / 100 if match and float(match[1]) > 0 else None


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(round(number, 2))


def _make(filled: Filled, actor: Actor, *, name: str = "", slug: str = "") -> Segment:
    one = filled.scenario
    return services.create_segment(
        name=name or one.name,
        slug=slug,
        kind=Segment.Kind.DYNAMIC,
        criteria=filled.document,
        description=one.description,
        color=one.color,
        actor=actor,
    )
