"""Rule 43: who an item is about."""

import pytest

from contacts.ingest import take
from contacts.models import Contact, Event, Identity
from tests.contacts.conftest import NOON, PAGE, SERVER, identify, tell, track

pytestmark = pytest.mark.django_db


def test_ann_is_made_once_and_found_by_her_user_id() -> None:
    tell(identify("ann", email="ann@example.com", firstName="Ann"))
    tell(identify("ann", lastName="Lee"))
    ann = Contact.objects.get()
    assert (ann.user_id, ann.first_name, ann.last_name, ann.email) == ("ann", "Ann", "Lee", "ann@example.com")


def test_an_anonymous_visitor_becomes_the_new_user_id() -> None:
    tell({"type": "track", "anonymousId": "a1", "event": "Product Viewed"})
    tell({"type": "identify", "anonymousId": "a1", "userId": "bo"})
    bo = Contact.objects.get()
    assert bo.user_id == "bo"
    assert Event.objects.get().contact_id == bo.pk


def test_an_anonymous_visitor_joins_the_user_id_it_identifies_as_with_history_and_lists() -> None:
    tell(identify("cy", plan="pro"))
    tell({"type": "track", "anonymousId": "a1", "event": "Product Viewed"})
    tell({"type": "identify", "anonymousId": "a1", "traits": {"city": "Oslo"}})
    tell({"type": "identify", "anonymousId": "a1", "userId": "cy"})
    cy = Contact.objects.get(user_id="cy")
    loser = Contact.objects.get(merged_into=cy)
    assert (cy.city, cy.attributes) == ("Oslo", {"plan": "pro"})
    assert Event.objects.get().contact_id == cy.pk
    assert set(Identity.objects.filter(contact=cy).values_list("kind", "value")) == {
        ("user", "cy"),
        ("anonymous", "a1"),
    }
    assert not loser.identities.exists()


def test_joining_within_one_batch_works_like_joining_in_two() -> None:
    tell(
        {"type": "track", "anonymousId": "a1", "event": "Product Viewed"},
        identify("di"),
        {"type": "identify", "anonymousId": "a1", "userId": "di", "traits": {"n": 1}},
        {"type": "track", "anonymousId": "a1", "event": "Product Added"},
    )
    di = Contact.objects.get()
    assert di.attributes == {"n": 1}
    assert set(Event.objects.values_list("contact_id", flat=True)) == {di.pk}


def test_a_stored_visitor_joins_a_user_made_in_the_same_batch() -> None:
    tell({"type": "track", "anonymousId": "a1", "event": "Product Viewed"})
    tell(identify("ed"), {"type": "identify", "anonymousId": "a1", "userId": "ed"})
    ed = Contact.objects.get(merged_into=None)
    assert ed.user_id == "ed"
    assert Event.objects.get().contact_id == ed.pk


def test_two_user_ids_never_merge() -> None:
    tell(identify("fay", email="same@example.com"), identify("gus", email="same@example.com"))
    tell({"type": "identify", "anonymousId": "tablet", "userId": "fay"})
    tell({"type": "identify", "anonymousId": "tablet", "userId": "gus"})
    assert Contact.objects.filter(merged_into=None).count() == 2
    assert Identity.objects.get(value="tablet").contact.user_id == "fay"


def test_an_email_finds_the_oldest_contact_only_without_a_user_id() -> None:
    tell(identify("hal", email="home@example.com"), identify("ida", email="home@example.com"))
    taken = tell({"type": "identify", "traits": {"email": "HOME@example.com", "plan": "x"}})
    assert taken.contact_ids == [Contact.objects.get(user_id="hal").pk]


def test_a_public_key_never_finds_anybody_by_email() -> None:
    tell(identify("jo", email="jo@example.com"))
    tell({"type": "identify", "anonymousId": "evil", "traits": {"email": "jo@example.com", "plan": "x"}}, source=PAGE)
    assert Contact.objects.get(user_id="jo").attributes == {}
    assert Contact.objects.count() == 2


def test_an_alias_gives_a_contact_another_name_but_never_joins_two_users() -> None:
    tell(track("kim", "Order Completed", revenue=3))
    tell({"type": "alias", "previousId": "old-cookie", "userId": "kim"})
    tell({"type": "track", "anonymousId": "old-cookie", "event": "Product Viewed"}, identify("lou"))
    assert Contact.objects.count() == 2
    (fault,) = take(
        [{"type": "alias", "previousId": "kim", "userId": "lou", "messageId": "m"}], source=SERVER, received_at=NOON
    )
    assert fault is not None
    assert "never merged" in fault.message


def test_email_and_phone_may_be_shared_and_are_made_normal() -> None:
    tell(identify("max", email=" Max@EXAMPLE.com ", phone="+1 415 555 0123"), identify("ned", phone="+14155550123"))
    assert Contact.objects.get(user_id="max").email == "Max@example.com"
    assert set(Contact.objects.values_list("phone", flat=True)) == {"+14155550123"}
