"""By whose doing somebody is where they are: a person, a program's key, a flow, a file; in explanations and in the history."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contacts import services as contacts
from contacts.models import ListMember
from segmentation import services
from segmentation.evaluation import recompute_waiting, take_changes
from segmentation.models import Segment, Transition
from tests.segmentation_pages.stories import person, tell
from tests.segmentation_pages.test_segment_pages import mia, signed_in, text
from tests.segmentation_pages.test_segments_api import URL, Api, api
from tests.segmentation_pages.test_why_pages import pk_of
from workspace.audit import HOUSE
from workspace.models import Key

pytestmark = pytest.mark.django_db
__all__ = ["api", "mia", "signed_in"]


@pytest.fixture
def staff_segment() -> Segment:
    """Ana and Ben are known; nobody is in Staff."""
    tell(person("Ana"), person("Ben"))
    return services.create_segment(name="Staff", actor=HOUSE)


def test_mia_put_ana_in_and_took_her_out_and_every_page_says_so(mia: Client, staff_segment: Segment) -> None:
    page = reverse("segment", args=[staff_segment.pk])
    mia.post(page, {"add": "1", "who": "user:ana"})
    assert Transition.objects.get().origin.startswith("person:")
    why = reverse("segment_why", args=[staff_segment.pk])
    assert "by mia" in text(mia.get(why, {"contact": "user:ana"}))
    assert "by mia" in text(mia.get(reverse("segment_transitions", args=[staff_segment.pk])))
    assert "mia" in text(mia.get(reverse("segment_members", args=[staff_segment.pk])))
    mia.post(page, {"remove": str(pk_of("ana"))})
    told = text(mia.get(why, {"contact": "user:ana"}))
    assert "Left" in told
    assert "by mia" in told
    assert "by mia" in text(mia.get(reverse("contact", args=[pk_of("ana")])))


def test_a_programs_key_is_named_by_the_api(api: Api, staff_segment: Segment) -> None:
    api("POST", f"{URL}staff/members/", {"contacts": ["user:ana"]})
    told = api("GET", f"{URL}staff/explain/?contact=user:ana").json()["last_transition"]
    name = Key.objects.get(scope="manage").name
    assert told["by"] == {"ref": f"key:{Key.objects.get(scope='manage').pk}", "kind": "key", "name": name}
    assert told["words"] == f"by the key “{name}”"
    (move,) = api("GET", f"{URL}staff/transitions/").json()["results"]
    assert move["by"]["name"] == name


def test_who_edited_the_criteria_is_the_cause_of_every_move_that_came_of_it(
    mia: Client, staff_segment: Segment
) -> None:
    everyone = services.create_segment(name="All", kind="dynamic", criteria={"type": "EVERYONE"}, actor=HOUSE)
    recompute_waiting()
    services.change_segment(
        everyone,
        criteria={"type": "PROPERTY", "propertyName": "firstName", "operator": "=", "value": "Ana"},
        actor=signed_in_actor(mia),
    )
    recompute_waiting()
    moves = text(mia.get(reverse("segment_transitions", args=[everyone.pk])))
    assert "the criteria were set by mia" in moves
    assert "the criteria were set" in moves.replace("set by mia", "")


def signed_in_actor(client: Client) -> services.Actor:
    """Return who is signed in."""
    return services.Actor(user_id=int(client.session["_auth_user_id"]))


def test_a_file_that_put_ben_on_a_list_is_named_where_a_segment_asks_for_the_list(
    mia: Client, api: Api, staff_segment: Segment
) -> None:
    team = contacts.create_list(name="Team", actor=HOUSE)
    file = SimpleUploadedFile("people.csv", b"id,email\nben,ben@example.com\n")
    url = mia.post(reverse("imports"), {"file": file}, follow=True).redirect_chain[-1][0]
    mia.post(url, {"column-0": "userId", "column-1": "email", "list": team.pk})
    mia.post(reverse("list", args=[team.pk]), {"add": "1", "who": "user:ana"})
    origins = dict(ListMember.objects.values_list("contact__user_id", "origin"))
    assert origins["ben"].startswith("import:")
    assert origins["ana"].startswith("person:")
    made = services.create_segment(
        name="Colleagues", kind="dynamic", criteria={"type": "LIST", "list": "team"}, actor=HOUSE
    )
    recompute_waiting()
    take_changes()
    assert "put there by the file “people.csv”" in text(
        mia.get(reverse("segment_why", args=[made.pk]), {"contact": "user:ben"})
    )
    told = api("GET", f"{URL}colleagues/explain/?contact=user:ana").json()["tree"]
    assert told["by"]["name"] == "mia"
    assert told["found_words"].endswith("put there by mia")


def test_a_contact_who_was_put_in_a_segment_below_is_explained_with_by_whom(
    mia: Client, staff_segment: Segment
) -> None:
    above = services.create_segment(
        name="Above", kind="dynamic", criteria={"type": "SEGMENT", "segment": "staff"}, actor=HOUSE
    )
    mia.post(reverse("segment", args=[staff_segment.pk]), {"add": "1", "who": "user:ana"})
    page: Callable[[str], str] = lambda who: text(mia.get(reverse("segment_why", args=[above.pk]), {"contact": who}))  # noqa: E731
    assert "by mia" in page("user:ana")
    assert "Nobody put this contact there" in page("user:ben")
