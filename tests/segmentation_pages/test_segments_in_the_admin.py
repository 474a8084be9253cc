"""The back office of segments."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from segmentation import services
from segmentation.evaluation import recompute
from segmentation.models import Evaluation, Segment
from tests.segmentation_pages.stories import SEED_004, person, tell
from workspace import back_office
from workspace.audit import HOUSE
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db
LISTS = ["segment", "segmentrule", "membership", "transition", "evaluation", "owed", "tally"]


@pytest.fixture
def ada(admin_user: Any) -> Client:
    """Ada, signed in."""
    client = Client()
    client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def segment(db: None) -> Segment:
    """A segment with two members."""
    tell(person("Ana", plan="enterprise"), person("Ben", plan="enterprise"))
    made = services.create_segment(name="Enterprise", kind="dynamic", criteria=SEED_004, actor=HOUSE)
    recompute(made.pk, cause="edited", fires="none")
    return made


@pytest.mark.parametrize("name", LISTS)
def test_each_list_takes_ten_queries_at_most_and_counts_nothing(
    ada: Client, segment: Segment, name: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10) as seen:
        page = ada.get(reverse(f"admin:segmentation_{name}_changelist"))
    assert page.status_code == 200
    counted = [query["sql"] for query in seen.captured_queries if "COUNT(" in query["sql"].upper()]
    assert not counted


def test_the_page_of_a_segment_shows_words_and_the_compiled_query(ada: Client, segment: Segment) -> None:
    page = ada.get(reverse("admin:segmentation_segment_change", args=[segment.pk])).content.decode()
    assert "lan is “" in page
    assert "contacts_contact" in page


def test_a_segment_is_made_and_changed_through_the_services(ada: Client) -> None:
    body = {"name": "Enterprise", "slug": "", "kind": "dynamic", "color": "", "labels": "[]", "description": ""}
    answer = ada.post(reverse("admin:segmentation_segment_add"), {**body, "criteria": json.dumps(SEED_004)})
    assert answer.status_code == 302, answer.content.decode()
    made = Segment.objects.select_related("rule").get()
    assert made.rule is not None
    assert made.rule.document == SEED_004
    url = reverse("admin:segmentation_segment_change", args=[made.pk])
    ada.post(url, {"name": "Big plans", "description": "", "color": "", "labels": "[]"})
    made.refresh_from_db()
    assert made.name == "Big plans"


@pytest.mark.parametrize(
    "criteria", ["", "{", '{"operator": "AND", "conditions": []}', '{"operator": "AND", "conditions": 7}']
)
def test_criteria_that_cannot_be_are_refused_at_their_box(ada: Client, criteria: str) -> None:
    body = {"name": "Wrong", "slug": "", "kind": "dynamic", "color": "", "labels": "[]", "description": ""}
    assert ada.post(reverse("admin:segmentation_segment_add"), {**body, "criteria": criteria}).status_code == 200
    assert not Segment.objects.exists()


def test_the_actions_recompute_archive_and_mute(ada: Client, segment: Segment) -> None:
    for action in ("recompute", "mute", "unmute", "mute", "archive"):
        ada.post(reverse("admin:segmentation_segment_changelist"), {"action": action, "_selected_action": [segment.pk]})
    segment.refresh_from_db()
    assert segment.muted
    assert segment.archived_at


def test_a_used_segment_is_not_deleted(ada: Client, segment: Segment) -> None:
    set_uses("flow:welcome", ["segment:enterprise"])
    answer = ada.post(reverse("admin:segmentation_segment_delete", args=[segment.pk]), {"post": "yes"})
    assert answer.status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [segment.pk], "post": "yes"}
    ada.post(reverse("admin:segmentation_segment_changelist"), chosen)
    assert Segment.objects.filter(pk=segment.pk).exists()


def test_what_the_house_writes_cannot_be_edited(ada: Client, segment: Segment) -> None:
    for name in LISTS[1:]:
        assert ada.get(reverse(f"admin:segmentation_{name}_add")).status_code == 403


def rules_page(segment: Segment) -> str:
    """Return the address of the rules a segment has had."""
    return reverse("admin:segmentation_segment_rules", args=[segment.pk])


def test_two_rules_stand_side_by_side_and_the_old_one_is_put_back(ada: Client, segment: Segment) -> None:
    first = segment.rule
    assert first is not None
    country = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "NL"}
    changed = services.change_segment(segment, criteria=country, actor=HOUSE)
    page = ada.get(rules_page(segment)).content.decode()
    assert f"Rule {first.pk} beside rule {changed.rule_id}" in page
    assert page.count("text-red-700") >= 1
    answer = ada.post(rules_page(segment), {"rule": first.pk}, follow=True).content.decode()
    assert f"Enterprise has rule {first.pk} again" in answer
    segment.refresh_from_db()
    assert segment.rule_id == first.pk
    assert Evaluation.objects.filter(segment=segment, status="running", fires="none").exists()


def test_a_rule_it_never_had_is_not_put_into_a_segment(ada: Client, segment: Segment) -> None:
    country = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "NL"}
    other = services.create_segment(name="Dutch", kind="dynamic", criteria=country, actor=HOUSE)
    assert ada.post(rules_page(segment), {"rule": other.rule_id}).status_code == 404


def test_a_viewer_of_the_admin_compares_rules_and_puts_none_back(viewer: Any, segment: Segment) -> None:
    viewer.is_staff = True
    viewer.save()
    client = Client()
    client.force_login(viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "Restore" not in client.get(rules_page(segment)).content.decode()
    assert client.post(rules_page(segment), {"rule": segment.rule_id}).status_code == 403


def test_an_evaluation_that_runs_is_stopped_from_its_list(ada: Client, segment: Segment) -> None:
    services.refresh_segment(segment, actor=HOUSE)
    running = Evaluation.objects.get(segment=segment, status="running")
    body = {"action": "cancel", "_selected_action": [running.pk]}
    ada.post(reverse("admin:segmentation_evaluation_changelist"), body)
    running.refresh_from_db()
    assert running.status == "cancelled"


def test_a_long_list_says_that_there_are_more_than_are_counted(
    ada: Client, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(person("Anna", plan="enterprise"))
    recompute(segment.pk, cause="edited", fires="none")
    monkeypatch.setattr(back_office, "MOST", 1)
    page = ada.get(reverse("admin:segmentation_membership_changelist") + "?q=an").content.decode()
    assert "1+ result" in page
