"""One click from a persona to a flow for it."""

import pytest

from flows import publishing, starters
from flows.models import Flow
from segmentation.scenarios import SCENARIOS
from segmentation.services import create_segment
from workspace import purchases
from workspace.audit import HOUSE
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slug", sorted(SCENARIOS))
def test_every_scenario_has_a_flow_that_could_be_published_as_it_is(slug: str) -> None:
    scenario = SCENARIOS[slug]
    document = scenario.document({}, purchases.mapping(), purchases.currency())
    segment = create_segment(name=scenario.name, slug=slug, kind="dynamic", criteria=document, actor=HOUSE)
    flow = starters.start(segment, slug, actor=HOUSE)
    assert flow.status == Flow.Status.DRAFT
    assert flow.description == scenario.goal
    assert [fault for fault in publishing.check(flow) if fault.severity == "error"] == []
    again = starters.start(segment, slug, actor=HOUSE)
    assert again.slug != flow.slug


def test_an_unknown_scenario_is_refused_by_name() -> None:
    segment = create_segment(name="Few", kind="static", actor=HOUSE)
    with pytest.raises(Refused, match="no scenario"):
        starters.start(segment, "moon", actor=HOUSE)
