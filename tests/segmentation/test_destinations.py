"""Destinations hear of every entry and exit once, in order, signed; and nothing is lost on the way."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from contacts.services import erase_contact
from segmentation import destinations, gathering
from segmentation.invariants import CHECKS
from segmentation.models import Delivery, Destination, Line
from segmentation.services import delete_segment
from tests.factories import change, person
from tests.messaging.test_calling import HOSTILE
from tests.segmentation.receiving import Receiver, circle, destined, join, leave, listening, statuses, work_off
from workspace import clock, signing
from workspace.audit import HOUSE
from workspace.models import Audit
from workspace.problems import Refused
from workspace.uses import InUse

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Another program that listens."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with listening() as server:
        yield server


def later(**gap: float) -> Any:
    """Let some time pass: the clock of this connection."""
    return clock.at(clock.now() + timedelta(**gap))


def test_who_enters_and_who_leaves_is_told_signed_and_once(receiver: Receiver) -> None:
    segment = circle(person("Old"))
    destined(segment, receiver)
    ana, _ = join(segment, "Ana", "Bob")
    leave(segment, ana)
    work_off()
    work_off()
    assert (receiver.names("entered"), receiver.names("exited")) == (["Ana", "Bob"], ["Ana"])
    assert len(receiver.heard) == 1
    said = receiver.heard[0][1]
    assert said["type"] == "segment.changed"
    assert said["data"]["segment"] == {"id": segment.ref, "slug": "circle", "name": "Circle"}
    assert [one["seq"] for one in said["data"]["entered"] + said["data"]["exited"]] == [1, 1, 2]


def test_batches_have_the_size_that_was_asked_for_and_go_in_order(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver, batch_size=2)
    join(segment, "Ana", "Bob", "Cleo", "Dan", "Eve")
    work_off()
    assert [len(said["data"]["entered"]) for _, said in receiver.heard] == [2, 2, 1]
    assert statuses(found) == ["delivered"] * 3
    assert len(set(receiver.keys())) == 3


def test_only_entries_or_only_exits_when_that_is_asked_for(receiver: Receiver) -> None:
    segment = circle()
    destined(segment, receiver, what="exits")
    ana, _ = join(segment, "Ana", "Bob")
    leave(segment, ana)
    work_off()
    assert (receiver.names("entered"), receiver.names("exited")) == ([], ["Ana"])


def test_a_destination_may_begin_with_who_is_in_now(receiver: Receiver) -> None:
    segment = circle(person("Ana"), person("Bob"), person("Cleo"))
    destined(segment, receiver, begin="state", batch_size=2)
    join(segment, "Dan")
    work_off()
    states = [said["data"] for _, said in receiver.heard if said["type"] == "segment.state"]
    assert [(one["page"], one["pages"], len(one["members"])) for one in states] == [(1, 2, 2), (2, 2, 1)]
    assert receiver.names("members") == ["Ana", "Bob", "Cleo"]
    assert receiver.names("entered") == ["Dan"]


def test_an_empty_segment_is_told_as_one_empty_page(receiver: Receiver) -> None:
    destined(circle(), receiver, begin="state")
    work_off()
    assert [said["data"]["members"] for _, said in receiver.heard] == [[]]


def test_a_refused_call_is_tried_again_by_the_schedule_with_the_same_id(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(500, {})] * 10
    gaps = []
    for _ in range(10):
        work_off()
        one = Delivery.objects.get()
        if one.status == "queued":
            gaps.append((one.due_at - clock.now()).total_seconds())
            Destination.objects.update(due_at=clock.now())
            Delivery.objects.update(due_at=clock.now())
    steps = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert all(0.9 * step <= gap <= 1.1 * step for gap, step in zip(gaps, steps, strict=True))
    assert statuses(found) == ["failed"]
    assert len(receiver.keys()) == 10
    assert len(set(receiver.keys())) == 1


def test_it_is_not_called_before_the_next_try_is_due_and_the_order_holds(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(503, {})]
    work_off()
    join(segment, "Bob")
    work_off()
    assert len(receiver.heard) == 1
    with later(seconds=6):
        work_off()
    assert receiver.names("entered") == ["Ana", "Ana", "Bob"]
    assert statuses(found) == ["delivered", "delivered"]


def test_what_failed_for_good_is_shown_and_the_next_goes_on(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(500, {})]
    work_off()
    Delivery.objects.update(attempts=9, due_at=clock.now())
    Destination.objects.update(due_at=clock.now())
    receiver.script = [(500, {})]
    join(segment, "Bob")
    work_off()
    assert statuses(found) == ["failed", "delivered"]
    assert destinations.retry(found, actor=HOUSE) == 1
    work_off()
    assert statuses(found) == ["delivered", "delivered"]


def test_retry_after_is_honoured(receiver: Receiver) -> None:
    segment = circle()
    destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(429, {"Retry-After": "120"})]
    work_off()
    gap = Delivery.objects.get().due_at - clock.now()
    assert timedelta(seconds=110) < gap <= timedelta(seconds=120)


def test_410_disables_loudly_and_taking_it_back_into_use_loses_nothing(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(410, {})]
    work_off()
    found.refresh_from_db()
    assert (found.status, found.reason) == ("disabled", "It answered 410 Gone: it wants no more calls.")
    assert Audit.objects.filter(verb="destination.disabled", subject=found.ref).exists()
    join(segment, "Bob")
    work_off()
    assert len(receiver.heard) == 1
    destinations.resume_destination(found, actor=HOUSE)
    work_off()
    assert receiver.names("entered") == ["Ana", "Ana", "Bob"]


def test_a_redirect_is_refused_and_told_as_such(receiver: Receiver) -> None:
    segment = circle()
    destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(302, {"Location": "http://169.254.169.254/"})]
    work_off()
    one = Delivery.objects.get()
    assert (one.code, one.status, len(receiver.heard)) == (302, "queued", 1)
    assert "redirect" in one.error


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_when_a_destination_is_made_or_changed(url: str) -> None:
    segment = circle()
    with pytest.raises(Refused) as refused:
        destinations.create_destination(name="CRM", segment=segment, url=url, actor=HOUSE)
    assert refused.value.faults[0].path == "url"
    assert not Destination.objects.exists()


def test_an_address_that_became_private_is_not_called(receiver: Receiver, settings: Any) -> None:
    segment = circle()
    found = destined(segment, receiver)
    settings.WEBHOOK_ALLOWED_HOSTS = []
    join(segment, "Ana")
    work_off()
    assert (receiver.heard, statuses(found)) == ([], ["queued"])
    assert "private network" in Delivery.objects.get().error
    with pytest.raises(Refused):
        destinations.change_destination(found, url="http://127.0.0.1:9/", actor=HOUSE)


def test_pausing_holds_and_going_on_loses_nothing(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    destinations.pause_destination(found, actor=HOUSE)
    join(segment, "Ana")
    work_off()
    assert (receiver.heard, Delivery.objects.count()) == ([], 0)
    destinations.resume_destination(found, actor=HOUSE)
    work_off()
    assert receiver.names("entered") == ["Ana"]


def test_a_replay_tells_everything_since_an_instant_again_as_another_round(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    with clock.at(clock.now() - timedelta(days=3)):
        join(segment, "Ana")
    join(segment, "Bob")
    work_off()
    since = clock.now() - timedelta(days=1)
    destinations.replay(found, since=since, actor=HOUSE)
    work_off()
    assert receiver.names("entered") == ["Ana", "Bob", "Bob"]
    assert [said["data"]["round"] for _, said in receiver.heard] == [1, 2]
    assert len(set(receiver.keys())) == 2
    destinations.replay(found, since=clock.now() - timedelta(days=9), actor=HOUSE)
    work_off()
    assert receiver.names("entered") == ["Ana", "Bob", "Bob", "Ana", "Bob"]
    with pytest.raises(Refused):
        destinations.replay(found, since=clock.now() + timedelta(hours=1), actor=HOUSE)


def test_a_replay_from_yesterday_loses_nothing_that_still_waits_since_last_week(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    destinations.pause_destination(found, actor=HOUSE)
    with clock.at(clock.now() - timedelta(days=7)):
        join(segment, "Ana")
    destinations.replay(found, since=clock.now() - timedelta(days=1), actor=HOUSE)
    join(segment, "Bob")
    destinations.resume_destination(found, actor=HOUSE)
    work_off()
    assert receiver.names("entered") == ["Ana", "Bob"]


def test_a_backlog_stands_in_the_transitions_and_not_in_the_log(receiver: Receiver) -> None:
    segment = circle()
    destined(segment, receiver, batch_size=1)
    join(segment, *(f"P{n}" for n in range(30)))
    receiver.script = [(500, {})]
    work_off()
    assert Delivery.objects.count() == 20
    with later(seconds=6):
        work_off()
    assert len(receiver.heard) == 31
    assert Line.objects.exclude(delivery=None).count() == 30


def test_people_are_told_as_they_are_at_the_call_and_nothing_personal_is_kept(receiver: Receiver) -> None:
    segment = circle()
    destined(segment, receiver)
    ana, bob = join(segment, "Ana", "Bob")
    receiver.script = [(500, {})]
    work_off()
    change(ana, firstName="Anna")
    erase_contact(contact=bob, actor=HOUSE)
    with later(seconds=6):
        work_off()
    said = receiver.heard[-1][1]["data"]
    first, second = (one["contact"] for one in said["entered"])
    assert first["firstName"] == "Anna"
    assert second == {"id": bob.ref, "erased": True}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM segmentation_delivery d WHERE d::text LIKE '%Ana%'")
        assert cursor.fetchone() == (0,)


def test_after_a_rotation_both_secrets_sign_for_a_day(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    _, secret = destinations.rotate_secret(found, actor=HOUSE)
    receiver.secrets.append(secret)  # the receiver checks the call against each
    join(segment, "Ana")
    work_off()
    assert len(receiver.signatures[0]) == 2
    with later(hours=25):
        found.refresh_from_db()
        assert destinations.secrets_of(found) == [secret]


def test_no_secret_stands_in_the_base(receiver: Receiver) -> None:
    segment = circle()
    found, secret = destinations.create_destination(name="CRM", segment=segment, url=receiver.url, actor=HOUSE)
    assert secret.startswith("whsec_")
    assert secret == signing.secrets_of(f"destination:{found.seed}")[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM segmentation_destination d WHERE d::text LIKE %s", [f"%{secret[6:]}%"])
        assert cursor.fetchone() == (0,)


def test_a_test_is_called_at_once_even_while_paused_and_never_again(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    join(segment, "Ana")
    destinations.pause_destination(found, actor=HOUSE)
    receiver.script = [(500, {})]
    destinations.send_test(found, actor=HOUSE)
    work_off()
    work_off()
    assert [said["type"] for _, said in receiver.heard] == ["segment.test"]
    assert statuses(found) == ["failed"]


def test_what_is_queued_can_be_cancelled(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(500, {})]
    work_off()
    assert destinations.cancel(found, actor=HOUSE) == 1
    join(segment, "Bob")
    with later(seconds=2):
        work_off()
    assert receiver.names("entered") == ["Ana", "Bob"]
    assert statuses(found) == ["cancelled", "delivered"]


def test_a_segment_with_a_destination_is_not_deleted(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver)
    with pytest.raises(InUse) as refused:
        delete_segment(segment, actor=HOUSE)
    assert refused.value.users == ["destination:crm"]
    destinations.delete_destination(found, actor=HOUSE)
    delete_segment(segment, actor=HOUSE)


def test_when_what_it_hears_of_changes_nothing_is_told_twice_and_nothing_is_left_out(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver, what="entries")
    ana, _ = join(segment, "Ana", "Bob")
    work_off()
    destinations.change_destination(found, what="both", actor=HOUSE)
    leave(segment, ana)
    with later(seconds=2):
        work_off()
    assert (receiver.names("entered"), receiver.names("exited")) == (["Ana", "Bob"], ["Ana"])
    assert found.round + 1 == receiver.heard[-1][1]["data"]["round"]


def test_the_log_is_forgotten_after_a_while_and_nothing_is_told_again(receiver: Receiver) -> None:
    segment = circle(person("Old"))
    found = destined(segment, receiver)
    join(segment, "Ana")
    work_off()
    Destination.objects.update(cursor=Line.objects.latest("transition_id").transition_id)
    gathering.forget(clock.now() + timedelta(days=30))
    assert (Delivery.objects.count(), Line.objects.count()) == (0, 0)
    Destination.objects.update(due_at=clock.now())
    join(segment, "Bob")
    work_off()
    assert receiver.names("entered") == ["Ana", "Bob"]
    assert statuses(found) == ["delivered"]


def test_the_invariants_hold_and_name_a_row_that_breaks_them(receiver: Receiver) -> None:
    segment = circle()
    found = destined(segment, receiver, batch_size=2)
    join(segment, "Ana", "Bob", "Cleo", "Dan", "Eve")
    work_off()
    Destination.objects.update(cursor=Line.objects.latest("transition_id").transition_id)
    ours = {name: sql for name, sql in CHECKS.items() if name.startswith("destinations:")}
    assert len(ours) == 6
    assert not any(rows(sql) for sql in ours.values())
    Line.objects.filter(pk=Line.objects.earliest("pk").pk + 2).delete()
    Delivery.objects.filter(destination=found).update(status="calling", settled_at=None, called_at=found.created_at)
    Delivery.objects.update(called_at=clock.now() - timedelta(hours=1))
    Destination.objects.update(status="running")
    broken = [name for name, sql in ours.items() if rows(sql)]
    assert [name[14:30] for name in broken] == ["nothing behind t", "a delivery carri", "none is being ca"]
    Destination.objects.update(status="disabled", reason="")
    assert rows(ours["destinations: each uses its segment, and one that is disabled says why"])


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
