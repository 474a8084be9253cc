"""The verbs: contacts by hand, attributes set by set, lists, consent, erasure."""

from datetime import timedelta
from typing import Any

import pytest

from contacts import services
from contacts.addresses import digest
from contacts.changes import set_reads
from contacts.models import Change, Contact, Event, Identity, List, ListMember, Suppression
from tests.contacts.conftest import NOON, identify, tell, track
from workspace.audit import HOUSE
from workspace.models import Audit
from workspace.problems import Refused
from workspace.uses import InUse, set_uses

pytestmark = pytest.mark.django_db


def create(**document: Any) -> Contact:
    return services.create_contact(document=document, actor=HOUSE)


def test_a_contact_is_made_read_and_changed_as_a_document() -> None:
    ann = create(
        userId="ann", email="Ann@Example.com", firstName="Ann", customProperties={"plan": "pro", "email": "own"}
    )
    document = services.document_of(ann)
    assert document["userId"] == "ann"
    assert document["email"] == "Ann@example.com"
    assert document["customProperties"] == {"plan": "pro", "email": "own"}
    assert document["emailSubscribed"] is False
    assert document["lastSeenAt"] is None
    services.change_contact(
        contact=ann, document={"firstName": None, "customProperties": {"plan": None, "n": 1}}, actor=HOUSE
    )
    ann.refresh_from_db()
    assert (ann.first_name, ann.attributes) == ("", {"email": "own", "n": 1})
    assert list(Audit.objects.order_by("id").values_list("verb", flat=True)) == ["contact.created", "contact.changed"]


def test_a_known_user_id_is_a_conflict_that_names_it() -> None:
    create(userId="ann")
    with pytest.raises(Refused) as refused:
        create(userId="ann")
    assert refused.value.status == 409
    assert '"ann"' in refused.value.detail


def test_two_contacts_may_share_an_email_when_made_by_hand() -> None:
    assert create(email="home@example.com") != create(email="home@example.com")


def test_a_contact_without_a_user_id_can_be_given_one_that_never_changes() -> None:
    bo = create(email="bo@example.com")
    services.change_contact(contact=bo, document={"userId": "bo"}, actor=HOUSE)
    bo.refresh_from_db()
    assert bo.user_id == "bo"
    with pytest.raises(Refused):
        services.change_contact(contact=bo, document={"userId": "bob"}, actor=HOUSE)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "userId"),
        ({"userId": 5}, "userId"),
        ({"userId": "a", "emailSubscribed": True}, "emailSubscribed"),
        ({"userId": "a", "lastSeenAt": "2026-01-01"}, "lastSeenAt"),
        ({"userId": "a", "shoeSize": 42}, "shoeSize"),
        ({"userId": "a", "email": "nobody"}, "email"),
        ({"userId": "a", "customProperties": []}, "customProperties"),
        ({"userId": "a", "customProperties": {"a": "\x00"}}, "customProperties.a"),
    ],
)
def test_a_faulty_document_is_refused_by_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(Refused) as refused:
        create(**document)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_contacts_are_found_by_number_user_id_and_email() -> None:
    ann = create(userId="ann", email="ann@example.com")
    for ref in (str(ann.pk), ann.ref, "user:ann", "email:ANN@example.com"):
        assert services.find_contact(ref) == ann
    for ref in ("con_", "con_x", "99999999999999999999", "user:", "email:nobody@example.com", "", "²"):
        assert services.find_contact(ref) is None


def test_attributes_are_set_cleared_incremented_and_appended_for_many_at_once() -> None:
    tell(identify("ann", orders=2, tags=["a"], city="Rome"), identify("bo", orders="many"))
    ids = list(Contact.objects.values_list("pk", flat=True))
    set_reads("version:1", 2, ["attribute:customProperties.orders"])
    changes = [
        {"attribute": "customProperties.orders", "increment": 3},
        {"attribute": "customProperties.tags", "append": "b"},
        {"attribute": "customProperties.deep.er", "set": 1},
        {"attribute": "city", "clear": True},
        {"attribute": "country", "set": "IT"},
    ]
    assert services.update_attributes(ids, changes, cause="flow", at=NOON + timedelta(days=1)) == 2
    ann, bo = Contact.objects.order_by("user_id")
    assert (ann.attributes, ann.city, ann.country) == ({"orders": 5, "tags": ["a", "b"], "deep": {"er": 1}}, "", "IT")
    assert bo.attributes == {"orders": 3, "tags": ["b"], "deep": {"er": 1}}
    assert set(Change.objects.values_list("fact", "cause")) == {("attribute:customProperties.orders", "flow")}


def test_faulty_changes_of_attributes_are_named() -> None:
    changes: list[dict[str, Any]] = [
        {"attribute": "nope", "set": 1},
        {"attribute": "emailSubscribed", "set": True},
        {"attribute": "email", "set": "nobody"},
        {"attribute": "customProperties.a", "set": 1, "clear": True},
        {"attribute": "customProperties.a", "increment": "1"},
    ]
    assert [fault.path for fault in services.faults_of(changes)] == [
        "changes[0].attribute", "changes[1].attribute", "changes[2].set", "changes[3]", "changes[4].increment",
    ]  # fmt: skip


def test_lists_are_filled_and_emptied_and_tell_what_changed() -> None:
    ann, bo = create(userId="ann"), create(userId="bo")
    staff = services.create_list(name="Staff & friends", actor=HOUSE)
    assert staff.slug == "staff-friends"
    set_reads("rule:1", 1, ["list:staff-friends"])
    assert services.add_to_list(staff, [ann.pk, bo.pk, 10**15], cause="manual") == 2
    assert services.add_to_list(staff, [ann.pk], cause="manual") == 0
    assert services.remove_from_list(staff, [bo.pk], cause="flow", fires=False) == 1
    assert list(Change.objects.order_by("id").values_list("contact_id", "cause", "fires")) == [
        (ann.pk, "manual", True), (bo.pk, "manual", True), (bo.pk, "flow", False),
    ]  # fmt: skip


def test_a_list_in_use_is_not_deleted() -> None:
    staff = services.create_list(name="Staff", actor=HOUSE)
    set_uses("segment:vip", ["list:staff"])
    with pytest.raises(InUse, match="segment:vip"):
        services.delete_list(staff, actor=HOUSE)
    set_uses("segment:vip", [])
    services.delete_list(staff, actor=HOUSE)
    assert not List.objects.exists()


def test_the_newest_consent_stands() -> None:
    ann = create(userId="ann")
    say = {"contact_id": ann.pk, "channel": "email", "source": "form"}
    services.record_consent(**say, status="subscribed", at=NOON)
    services.record_consent(**say, status="unsubscribed", at=NOON + timedelta(hours=1))
    services.record_consent(**say, status="subscribed", at=NOON + timedelta(minutes=1))
    assert services.document_of(ann)["emailSubscribed"] is False
    assert ann.consents.count() == 3


def test_erasing_leaves_a_stub_and_the_suppression() -> None:
    tell(identify("ann", email="ann@example.com", plan="pro"), track("ann", "Order Completed", email="ann@example.com"))
    tell({"type": "identify", "anonymousId": "a1", "userId": "ann"})
    ann = Contact.objects.get()
    services.suppress(channel="email", address="ANN@example.com", reason="manual")
    services.add_to_list(services.create_list(name="Staff", actor=HOUSE), [ann.pk], cause="manual")
    receipt = services.erase_contact(contact=ann, actor=HOUSE)
    ann.refresh_from_db()
    assert receipt["erased"]["identity"] == 2
    assert (ann.email, ann.user_id, ann.attributes, ann.alive) == ("", None, {}, False)
    assert Event.objects.get().properties == {}
    assert not Identity.objects.exists()
    assert not ListMember.objects.exists()
    assert Suppression.objects.get().digest == digest("ann@example.com")
    assert services.find_contact(ann.ref) is None
    tell(track("ann", "Order Completed"))
    assert Contact.objects.filter(erased_at=None).count() == 1
