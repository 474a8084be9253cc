"""Searching by the beginning of what people are called: by their indexes, and the same rows whether few or many are found."""

import pytest
from django.db import connection

from contacts import searching
from contacts.models import Contact, Event
from contacts.searching import about, search
from tests.segmentation_pages.stories import order, person, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> None:
    """Three people who bought, two of them Anas."""
    tell(person("ana1", firstName="Ana", lastName="Silva"), person("ana2", firstName="Ana", lastName=""), person("ben"))
    tell(order("ana1", 10), order("ana2", 20), order("ben", 30), order("ben", 40))


@pytest.mark.parametrize("few", [0, 1, 5_000])
def test_rows_about_people_are_the_same_whether_few_or_many_are_found(
    shop: None, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(searching, "FEW", few)
    assert {row.contact.user_id for row in about(Event.objects.all(), "ana")} == {"ana1", "ana2"}
    assert about(Event.objects.all(), "ben").count() == 2
    assert not about(Event.objects.all(), "zoe")


def test_a_name_is_sought_in_the_index_of_names(shop: None) -> None:
    assert [one.user_id for one in search("ana sil")] == ["ana1"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "contact_first_name" in search("ana silva").explain() or "contact_last_name" in search("ana silva").explain()


def test_who_has_no_name_is_found_by_what_else_they_are_called(shop: None) -> None:
    Contact.objects.filter(user_id="ben").update(first_name="", last_name="")
    assert [one.user_id for one in search("ben@")] == ["ben"]
