"""What people called an attribute is what every page and answer calls it; its name stays what criteria are written with."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.labels import in_words
from contacts.models import Attribute, List, Topic
from contacts.services import contacts_by_user_id
from flows.models import Flow
from messaging.models import Template
from segmentation import services
from segmentation.criteria import reread, words
from segmentation.evaluation import recompute_waiting
from tests.segmentation_pages.stories import SEED_004, person, tell
from tests.segmentation_pages.test_segment_pages import mia, signed_in, text
from tests.segmentation_pages.test_segments_api import URL, Api, api
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db
__all__ = ["api", "mia", "signed_in"]


def labelled(name: str, label: str) -> None:
    Attribute.objects.update_or_create(name=name, defaults={"label": label, "type": "text", "declared": True})


def test_a_label_stands_in_the_words_of_pages_and_of_the_api(mia: Client, api: Api) -> None:
    tell(person("Ana", plan="enterprise"))
    labelled("plan", "Pricing plan")
    made = services.create_segment(name="Big", kind="dynamic", criteria=SEED_004, actor=HOUSE)
    recompute_waiting()
    assert "Pricing plan is “enterprise”" in text(mia.get(reverse("segment", args=[made.pk])))
    ana = contacts_by_user_id(["ana"])["ana"]
    assert "ricing plan is “enterprise”" in text(
        mia.get(reverse("segment_why", args=[made.pk]), {"contact": f"con_{ana}"})
    )
    assert "Pricing plan is “enterprise”" in api("GET", f"{URL}big/").json()["words"]
    told = api("GET", f"{URL}big/explain/?contact=user:ana").json()
    assert told["tree"]["conditions"][0]["found_words"] == "pricing plan is “enterprise”"
    preview = api("POST", f"{URL}preview/", {"criteria": SEED_004}).json()
    assert preview["words"] == "Pricing plan is “enterprise”"
    assert words(reread(SEED_004)) == "all of: plan is “enterprise”"  # nobody is spoken to here


def test_a_label_that_might_mean_another_attribute_is_followed_by_the_name(api: Api) -> None:
    labelled("plan", "Tier")
    labelled("tier2", "Tier")
    labelled("vip", "VIP level")
    plan, tier = (
        api(
            "POST",
            f"{URL}preview/",
            {"criteria": {**SEED_004["conditions"][0], "propertyName": f"customProperties.{name}"}},
        ).json()["words"]  # type: ignore[index]
        for name in ("plan", "tier2")
    )
    assert plan.startswith("Tier (plan) ")
    assert tier.startswith("Tier (tier2) ")
    vip = {**SEED_004["conditions"][0], "propertyName": "customProperties.vip"}  # type: ignore[index]
    assert api("POST", f"{URL}preview/", {"criteria": vip}).json()["words"].startswith("VIP level is")


def named_things() -> dict[str, Any]:
    """Make one of each kind of thing that criteria name by slug, called otherwise, and criteria that name them all."""
    made = services.create_segment(name="Très chic", slug="chic", kind="static", actor=HOUSE)
    List.objects.create(name="Newsletter (Dutch)", slug="nl-nl")
    Topic.objects.create(name="Product news", slug="news")
    Template.objects.create(name="Welcome aboard", slug="hello-2", channel="email")
    Flow.objects.create(name="Win them back", slug="win-back-3")
    opened = {
        "type": "EVENT",
        "eventName": "Email Opened",
        "where": {"propertyName": "template", "operator": "=", "value": "hello-2"},
    }
    own = {
        "type": "EVENT",
        "eventName": "Page Drawn",
        "where": {"propertyName": "template", "operator": "=", "value": "hello-2"},
    }
    return {
        "operator": "OR",
        "conditions": [
            {"type": "SEGMENT", "segment": made.slug},
            {"type": "LIST", "list": "nl-nl"},
            {"type": "REACHABILITY", "channel": "email", "topic": "news"},
            {"type": "FLOW", "flow": "win-back-3", "state": "ever"},
            opened,
            own,
        ],
    }


def test_sentences_name_segments_lists_flows_templates_and_topics_by_name_with_one_query_for_all(api: Api) -> None:
    document = named_things()
    with in_words(), CaptureQueriesContext(connection) as asked:
        said = words(reread(document))
    assert "is in the segment “Très chic”" in said
    assert "is on the list “Newsletter (Dutch)”" in said
    assert "about “Product news”" in said
    assert "was ever in the flow “Win them back”" in said
    assert "did “Email Opened” where template is “Welcome aboard”" in said
    assert "did “Page Drawn” where template is “hello-2”" in said  # no event of ours: whatever its template is
    assert len(asked) == 1
    assert api("POST", f"{URL}preview/", {"criteria": document}).json()["words"].lower() == said.lower()
    assert "is in the segment “chic”" in words(reread(document))  # nobody is spoken to here


def test_two_of_one_name_are_told_apart_and_a_name_from_right_to_left_turns_nothing_around(api: Api) -> None:
    for slug, name in (("vip", "VIPs"), ("vip-2", "vips"), ("umala", "عملاء")):
        services.create_segment(name=name, slug=slug, kind="static", actor=HOUSE)
    every = {
        "operator": "AND",
        "conditions": [{"type": "SEGMENT", "segment": one} for one in ("vip", "vip-2", "umala")],
    }
    said = api("POST", f"{URL}preview/", {"criteria": every}).json()["words"]
    assert "“VIPs (vip)”" in said
    assert "“vips (vip-2)”" in said
    assert "“\N{FIRST STRONG ISOLATE}عملاء\N{POP DIRECTIONAL ISOLATE}”" in said


def test_the_page_of_segments_asks_for_all_names_once(mia: Client) -> None:
    document = named_things()
    for n in range(3):
        services.create_segment(name=f"Nested {n}", kind="dynamic", criteria=document, actor=HOUSE)
    recompute_waiting()
    with CaptureQueriesContext(connection) as asked:
        page = text(mia.get(reverse("segments")))
    assert page.count("Is in the segment “Très chic”") + page.count("is in the segment “Très chic”") == 3
    assert len([one for one in asked if "UNION ALL" in one["sql"] and "messaging_template" in one["sql"]]) == 1


def test_a_long_name_from_right_to_left_stands_in_a_place_of_its_own_on_every_page(mia: Client) -> None:
    name = ("عملاء كبار " * 20)[:120].strip()
    inner = services.create_segment(name=name, slug="kibar", kind="static", actor=HOUSE)
    outer = services.create_segment(
        name="Outer", kind="dynamic", criteria={"type": "SEGMENT", "segment": "kibar"}, actor=HOUSE
    )
    recompute_waiting()
    assert f"<bdi>{name}</bdi>" in text(mia.get(reverse("segments")))
    assert f"<bdi>{name}</bdi>" in text(mia.get(reverse("segment", args=[inner.pk])))
    said = f"Is in the segment “\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}”"
    assert said in text(mia.get(reverse("segment", args=[outer.pk])))
