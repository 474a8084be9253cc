"""The pages of segments, told as stories."""

import csv
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from contacts.services import create_list, record_consents
from segmentation import services
from segmentation.evaluation import recompute
from segmentation.models import Segment
from tests.segmentation_pages.stories import SEED_004, person, tell
from workspace.audit import HOUSE
from workspace.clock import now
from workspace.models import Audit
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(marketer: Any) -> Client:
    """Mia the marketer, signed in."""
    return signed_in(marketer)


def signed_in(who: Any) -> Client:
    """Return a browser in which somebody has signed in."""
    client = Client()
    client.force_login(who, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def enterprise(**more: Any) -> Segment:
    """Make the segment of the docs and evaluate it."""
    made = services.create_segment(name="Enterprise", kind="dynamic", criteria=SEED_004, actor=HOUSE, **more)
    recompute(made.pk, cause="edited", fires="none")
    return made


def text(answer: Any) -> str:
    """Return what a page says."""
    return answer.content.decode()  # type: ignore[no-any-return]


def said(answer: Any) -> list[str]:
    """Return the notices that a press left for the next page."""
    return [str(message) for message in answer.wsgi_request._messages]


def test_a_newcomer_is_told_what_a_segment_is_and_how_to_make_one(mia: Client) -> None:
    page = text(mia.get(reverse("segments")))
    assert "No segments yet" in page
    assert reverse("segment_new") in page


def test_the_list_shows_size_words_and_when_it_was_evaluated(mia: Client) -> None:
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"))
    enterprise()
    services.create_segment(name="By hand", actor=HOUSE)
    page = text(mia.get(reverse("segments")))
    assert "lan is “" in page
    assert 'data-number="size-' in page
    assert "kept by hand" in page
    assert "<polyline" in page
    only = text(mia.get(reverse("segments") + "?show=dynamic"))
    assert "By hand" not in only
    assert "No segment matches" in text(mia.get(reverse("segments") + "?q=zebra"))


def test_the_live_part_of_the_list_is_that_part_alone(mia: Client) -> None:
    enterprise()
    page = text(mia.get(reverse("segments"), headers={"HX-Request": "true", "X-Live": "1"}))
    assert page.lstrip().startswith('<div class="table-wrap" id="segment-rows"')


def test_the_list_takes_few_queries_however_many_segments(mia: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(8):
        services.create_segment(name=f"S{number}", kind="dynamic", criteria=SEED_004, actor=HOUSE)
    with django_assert_max_num_queries(11):  # one of them reads what attributes are called
        mia.get(reverse("segments"))


def test_a_dynamic_segment_is_made_of_what_the_builder_posts(mia: Client) -> None:
    answer = mia.post(
        reverse("segment_create", args=["dynamic"]),
        {"name": "Enterprise", "description": "Big ones", "color": "plum", "criteria": json.dumps(SEED_004)},
    )
    made = Segment.objects.get()
    assert answer.url == reverse("segment", args=[made.pk])
    assert (made.kind, made.color, made.slug) == ("dynamic", "plum", "enterprise")
    assert made.rule is not None
    assert made.rule.document == SEED_004


def test_a_segment_without_conditions_is_asked_for_some(mia: Client) -> None:
    answer = mia.post(reverse("segment_create", args=["dynamic"]), {"name": "Enterprise", "criteria": ""})
    assert answer.status_code == 422
    assert "at least one condition" in text(answer)
    assert not Segment.objects.exists()


def test_faults_come_back_with_what_was_typed_and_their_places(mia: Client) -> None:
    wrong = {"operator": "AND", "conditions": [{"type": "SEGMENT", "segment": "nobody"}]}
    answer = mia.post(reverse("segment_create", args=["dynamic"]), {"name": "Nested", "criteria": json.dumps(wrong)})
    assert answer.status_code == 422
    assert "conditions[0].segment" in text(answer)
    assert 'value="Nested"' in text(answer)


@pytest.mark.parametrize("criteria", ["{", '{"a": NaN}', "[[[[", '"\\u0000"', "7", "\\ud800", '{"a":1,"a":2}'])
def test_what_is_no_document_is_refused_with_a_sentence(mia: Client, criteria: str) -> None:
    answer = mia.post(reverse("segment_create", args=["dynamic"]), {"name": "Odd", "criteria": criteria})
    assert answer.status_code == 422


def test_editing_criteria_shows_who_joins_and_leaves_before_it_saves(mia: Client) -> None:
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"))
    segment = enterprise()
    free = json.dumps({**SEED_004, "conditions": [{**SEED_004["conditions"][0], "value": "free"}]})  # type: ignore[dict-item]
    url = reverse("segment_edit", args=[segment.pk])
    asked = mia.post(url, {"name": "Free", "criteria": free})
    page = text(asked)
    assert asked.status_code == 200
    for words in ("Would join", "Would leave", "Stay", "Ben", "Ana", "Flows hear of", "(asked: "):
        assert words in page
    segment.refresh_from_db()
    assert segment.rule is not None
    assert segment.rule.document == SEED_004
    reviewed = page.split('name="reviewed" value="')[1].split('"')[0]
    saved = mia.post(url, {"name": "Free", "criteria": free, "reviewed": reviewed, "fires": "none"})
    assert saved.url == reverse("segment", args=[segment.pk])
    segment = Segment.objects.select_related("rule").get()
    assert segment.rule is not None
    assert segment.rule.document == json.loads(free)


def test_a_new_name_alone_is_saved_at_once(mia: Client) -> None:
    segment = enterprise()
    answer = mia.post(
        reverse("segment_edit", args=[segment.pk]), {"name": "Big plans", "criteria": json.dumps(SEED_004)}
    )
    assert answer.status_code == 302
    assert Segment.objects.get().name == "Big plans"


def test_the_page_of_a_segment_says_who_is_in_it_how_it_grew_and_what_uses_it(mia: Client) -> None:
    tell(person("Ana", plan="enterprise"))
    segment = enterprise()
    set_uses("flow:welcome", ["segment:enterprise"])
    page = text(mia.get(reverse("segment", args=[segment.pk])))
    for words in ("Plan is", "Flow welcome", "Latest moves", "Ana", "data-chart"):
        assert words in page
    growth = mia.get(reverse("segment_growth", args=[segment.pk]) + "?days=30").json()
    assert growth["series"][0]["values"][-1] == 1
    assert len(growth["times"]) == len(growth["series"][0]["values"])
    assert "Ana" in text(mia.get(reverse("segment_members", args=[segment.pk]) + "?q=an"))
    assert "Nobody in it matches" in text(mia.get(reverse("segment_members", args=[segment.pk]) + "?q=zoe"))
    assert "Entered" in text(mia.get(reverse("segment_transitions", args=[segment.pk])))
    assert "everybody" in text(mia.get(reverse("segment_evaluations", args=[segment.pk])))


def test_members_of_a_static_segment_are_pasted_in_and_taken_out(mia: Client) -> None:
    tell(person("Ana"), person("Ben"))
    segment = services.create_segment(name="Testers", actor=HOUSE)
    url = reverse("segment", args=[segment.pk])
    answer = mia.post(url, {"add": "", "contacts": "ana@example.com\nben, zoe@example.com"})
    assert services.size_of(segment.pk) == 2
    assert any("zoe@example.com" in words for words in said(answer))
    ana = segment.memberships.get(contact__user_id="ana")
    mia.post(url, {"remove": str(ana.contact_id)})
    assert services.size_of(segment.pk) == 1


def test_a_dynamic_segment_takes_nobody_by_hand(mia: Client) -> None:
    tell(person("Ben"))
    segment = enterprise()
    answer = mia.post(reverse("segment", args=[segment.pk]), {"add": "", "contacts": "ben"})
    assert services.size_of(segment.pk) == 0
    assert said(answer)


def test_a_used_segment_is_not_deleted_and_the_page_says_by_what(admin_user: Any) -> None:
    segment = enterprise()
    set_uses("flow:welcome", ["segment:enterprise"])
    ada = signed_in(admin_user)
    answer = ada.post(reverse("segment", args=[segment.pk]), {"delete": ""})
    assert any("flow:welcome" in words for words in said(answer))
    assert Segment.objects.exists()
    set_uses("flow:welcome", [])
    assert ada.post(reverse("segment", args=[segment.pk]), {"delete": ""}).url == reverse("segments")
    assert not Segment.objects.exists()


@pytest.mark.parametrize("button", ["refresh", "duplicate", "archive", "mute", "unmute", "cancel"])
def test_the_quick_actions_do_what_they_say(mia: Client, button: str) -> None:
    segment = enterprise()
    assert mia.post(reverse("segment", args=[segment.pk]), {button: ""}).status_code == 302
    segment.refresh_from_db()
    if button == "duplicate":
        assert Segment.objects.count() == 2
    assert segment.muted == (button == "mute")
    assert bool(segment.archived_at) == (button == "archive")


def test_an_archived_segment_is_found_under_archived_and_comes_back(mia: Client) -> None:
    segment = enterprise()
    url = reverse("segment", args=[segment.pk])
    mia.post(url, {"archive": "", "back": "list"})
    assert url not in text(mia.get(reverse("segments")))
    assert url in text(mia.get(reverse("segments") + "?show=archived"))
    mia.post(url, {"unarchive": ""})
    assert url in text(mia.get(reverse("segments")))


def test_somebody_who_only_looks_changes_nothing(viewer: Any) -> None:
    segment = enterprise()
    vic = signed_in(viewer)
    url = reverse("segment", args=[segment.pk])
    assert vic.get(url).status_code == 200
    assert vic.post(url, {"archive": ""}).status_code == 403
    assert vic.get(reverse("segment_edit", args=[segment.pk])).status_code == 403
    assert vic.get(reverse("segment_new")).status_code == 403
    assert "Duplicate" not in text(vic.get(reverse("segments")))


def test_strangers_are_asked_to_sign_in() -> None:
    for name in ("segments", "segment_new", "segments_catalogue"):
        assert Client().get(reverse(name)).status_code == 302
    assert Client().post(reverse("segments_preview"), "{}", content_type="application/json").status_code == 302


def test_the_builders_door_answers_what_there_is_with_types_and_counts(mia: Client) -> None:
    tell(person("Ana", plan="pro"), {"type": "track", "userId": "ana", "event": "Signed Up", "properties": {"n": 1}})
    segment = enterprise()
    offered = mia.get(reverse("segments_catalogue")).json()
    assert {"name": "customProperties.plan", "label": "plan", "type": "text", "group": "own"} in offered["attributes"]
    assert {"name": "email", "label": "Email", "type": "text", "group": "standard"} in offered["attributes"]
    (event,) = offered["events"]
    assert event.pop("seen")
    assert event == {"name": "Signed Up", "count": 1, "properties": [{"name": "n", "type": "number"}]}
    assert {"Purchases", "Browsing", "Attributes", "Events", "Reachability"} == {
        one["group"] for one in offered["standard"]
    }
    assert [one["slug"] for one in offered["scenarios"]][:2] == ["cart-abandonment", "product-page-bounce"]
    assert offered["segments"] == [{"slug": segment.slug, "name": "Enterprise"}]
    assert "between" in offered["operators"]["number"]


def test_every_standard_condition_is_a_document_that_is_understood_as_it_is_offered(mia: Client) -> None:
    for one in mia.get(reverse("segments_catalogue")).json()["standard"]:
        if one["label"] == "Country":
            continue  # which countries, somebody has to say
        told = mia.post(reverse("segments_preview"), {"criteria": one["criteria"]}, content_type="application/json")
        assert told.json().get("count") == 0, one


def test_the_builder_hears_how_many_can_be_reached_and_fills_in_scenarios(mia: Client) -> None:
    tell(person("Ana", plan="pro"), person("Ben", plan="pro"))
    record_consents(
        contact_ids=[Contact.objects.get(user_id="ana").pk],
        channel="email",
        status="subscribed",
        source="test",
        at=now(),
    )
    pro = {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "pro"}
    found = mia.post(reverse("segments_reach_door"), {"criteria": pro}, content_type="application/json").json()
    assert found == {"email": 1, "sms": 0, "whatsapp": 0}
    asked = {"scenario": "high-rollers", "parameters": {"often": "no"}}
    refused = mia.post(reverse("segments_scenario_door"), asked, content_type="application/json").json()
    assert refused["errors"][0]["path"] == "often"
    asked["parameters"] = {"often": "3"}  # type: ignore[assignment]
    filled = mia.post(reverse("segments_scenario_door"), asked, content_type="application/json").json()
    assert (filled["count"], filled["criteria"]["operator"]) == (0, "AND")


def test_segments_are_found_by_label_and_state_and_sorted_by_size(mia: Client) -> None:
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"))
    small, empty = enterprise(), services.create_segment(name="Aaa", labels=["spring", "vip"], actor=HOUSE)
    services.mute_segment(small, muted=True, actor=HOUSE)
    url = reverse("segments")
    assert text(mia.get(url)).index("Aaa") < text(mia.get(url)).index("Enterprise")
    assert text(mia.get(url, {"sort": "size"})).index("Enterprise") < text(mia.get(url, {"sort": "size"})).index("Aaa")
    page = text(mia.get(url, {"label": "vip"}))
    assert "Aaa" in page
    assert f"segment-{small.pk}" not in page
    page = text(mia.get(url, {"state": "muted"}))
    assert f"segment-{small.pk}" in page
    assert f"segment-{empty.pk}" not in page
    for state in ("evaluating", "failed", "waiting", "nonsense"):
        assert mia.get(url, {"state": state, "sort": "new", "page": "7"}).status_code == 200


def test_labels_are_edited_in_the_form(mia: Client) -> None:
    made = services.create_segment(name="By hand", actor=HOUSE)
    answer = mia.post(
        reverse("segment_edit", args=[made.pk]), {"name": "By hand", "labels": " spring ,  VIP people,spring"}
    )
    assert answer.status_code == 302
    made.refresh_from_db()
    assert made.labels == ["spring", "VIP people"]
    assert "spring, VIP people" in text(mia.get(reverse("segment_edit", args=[made.pk])))
    assert mia.post(reverse("segment_edit", args=[made.pk]), {"name": "x", "labels": "y" * 41}).status_code == 422


def test_who_can_be_reached_comes_after_the_page_and_is_remembered(mia: Client) -> None:
    tell(person("Ana", plan="enterprise"))
    record_consents(
        contact_ids=[Contact.objects.get(user_id="ana").pk],
        channel="email",
        status="subscribed",
        source="test",
        at=now(),
    )
    made = enterprise()
    address = f"{reverse('segments_reach')}?ids={made.pk}"
    assert address in text(mia.get(reverse("segments")))
    cells = text(mia.get(address))
    assert f'id="reach-{made.pk}"' in cells
    assert "</svg>1</span>" in "".join(cells.split())
    assert address not in text(mia.get(reverse("segments")))
    assert mia.get(reverse("segments_reach") + "?ids=x,99999999999999999999,").status_code == 200


def test_members_are_exported_as_csv_that_no_spreadsheet_takes_for_formulas(mia: Client, viewer: Any) -> None:
    tell(
        person("Ana", plan="enterprise", lastName="=HYPERLINK(1)"),
        {"type": "identify", "userId": "@sum", "traits": {"plan": "enterprise"}},
    )
    made = enterprise()
    answer = mia.get(reverse("segment_export", args=[made.pk]))
    rows = list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))  # type: ignore[arg-type]
    assert rows[0] == ["user_id", "email", "name", "since"]
    assert sorted(row[0] for row in rows[1:]) == ["'@sum", "ana"]
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "@", "+", "-"))]
    assert Audit.objects.filter(verb="segment.exported", subject=made.ref).exists()
    assert signed_in(viewer).get(reverse("segment_export", args=[made.pk])).status_code == 403


def test_a_static_segment_is_filled_by_picking_pasting_and_a_file_and_every_step_is_undone(mia: Client) -> None:
    tell(person("Ana"), person("Ben"), person("Cleo"))
    made = services.create_segment(name="By hand", actor=HOUSE)
    url, inside = reverse("segment", args=[made.pk]), lambda: set(members(made))
    ana = Contact.objects.get(user_id="ana")
    assert f'value="{ana.pk}"' in text(mia.get(reverse("contacts_find"), {"find": "an"}))
    mia.post(url, {"add": "1", "pick": str(ana.pk), "find": "an"})
    file = SimpleUploadedFile(
        "some.csv", b"Name;E-mail;User ID\nBen;;ben\nCleo;cleo@example.com;\nZoe;zoe@example.com;\n"
    )
    mia.post(url, {"add": "1", "who": "", "file": file})
    assert inside() == {"ana", "ben", "cleo"}
    page = text(mia.get(reverse("segment_members", args=[made.pk])))
    assert "2 contacts added" in page
    assert "zoe@example.com" in page
    mia.post(url, {"undo": "1"})
    assert inside() == {"ana"}
    mia.post(url, {"take_out": "1", "chosen": [str(ana.pk)]})
    assert inside() == set()
    mia.post(url, {"undo": "1"})
    assert inside() == {"ana"}
    mia.post(url, {"undo": "1"})  # nothing is left to be undone
    assert inside() == {"ana"}
    bad = SimpleUploadedFile("bad.csv", b"email\n\x00")
    assert mia.post(url, {"add": "1", "file": bad}).status_code == 302


def members(segment: Segment) -> list[str]:
    """Return the user ids of who is in a segment."""
    return list(Contact.objects.filter(memberships__segment=segment).values_list("user_id", flat=True))


def test_a_list_is_filled_by_file_and_undone(mia: Client) -> None:
    tell(person("Ana"), person("Ben"))
    held = create_list(name="Friends", actor=HOUSE)
    url = reverse("list", args=[held.pk])
    mia.post(
        url,
        {"add": "1", "file": SimpleUploadedFile("a.csv", b"ana@example.com\nben@example.com\nnobody@example.com\n")},
    )
    assert held.members.count() == 2
    page = text(mia.get(url))
    assert "2 contacts added" in page
    assert "nobody@example.com" in page
    mia.post(url, {"undo": "1"})
    assert held.members.count() == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b'{"x": 1}', b"\xff"])
def test_the_preview_door_refuses_nonsense_with_a_sentence(mia: Client, body: bytes) -> None:
    answer = mia.post(reverse("segments_preview"), body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize("criteria", ["5", "{}", '{"type": "EVENT"}', '{"type": "PROPERTY", "propertyName": "email"}'])
def test_what_is_not_filled_in_yet_is_answered_with_what_is_missing(mia: Client, criteria: str) -> None:
    answer = mia.post(reverse("segments_preview"), f'{{"criteria": {criteria}}}', content_type="application/json")
    assert answer.status_code == 200
    assert set(answer.json()["errors"][0]) == {"path", "message"}
    assert "count" not in answer.json()


@pytest.mark.parametrize("query", ["?after=x", "?after=99999999999999999999", "?before=x~y", "?q=%00%", "?days=ten"])
def test_odd_queries_show_the_page_all_the_same(mia: Client, query: str) -> None:
    segment = enterprise()
    for name in ("segment", "segment_members", "segment_transitions", "segment_evaluations", "segment_growth"):
        assert mia.get(reverse(name, args=[segment.pk]) + query).status_code == 200
    assert mia.get(reverse("segments") + query).status_code == 200


def test_a_contacts_page_says_which_segments_they_are_in(mia: Client) -> None:
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"))
    segment = enterprise()
    ana = segment.memberships.get().contact
    page = text(mia.get(reverse("contact", args=[ana.pk])))
    assert "In no segment now" not in page
    assert f'href="{reverse("segment", args=[segment.pk])}"' in page
    only = text(mia.get(reverse("contacts") + "?segment=enterprise"))
    assert "ana@example.com" in only
    assert "ben@example.com" not in only
