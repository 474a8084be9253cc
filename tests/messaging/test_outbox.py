"""Messages go once, in order, only to those who may be told, and what became of them is known."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from contacts.addresses import digest
from contacts.models import Contact, Event, Read, Suppression
from messaging import outbox, reaping, services
from messaging.channels import Receipt
from messaging.models import Message, Stream, TemplateVersion
from messaging.tasks import deliver as deliver_task
from tests.messaging.conftest import Provider, Queue, person, say
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Workspace

pytestmark = pytest.mark.django_db
REAL = pytest.mark.django_db(transaction=True)  # threads see only what was committed


def status(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.status, message.gate


def test_maria_gets_her_message_once_and_her_timeline_says_so(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria, content={"campaign": "spring", "node": "hello"})
    assert outbox.deliver() == 1
    assert outbox.deliver() == 0
    assert provider.calls == [(message.key, "maria@example.com")]
    assert provider.sent[0].email.subject == "Hello Maria"
    assert status(message) == ("sent", "")
    event = Event.objects.get(name__name="Email Sent")
    assert event.contact_id == maria.pk
    assert event.properties["template"] == "welcome"
    assert event.properties["flow"] == "win-back"
    assert event.properties["campaign"] == "spring"


def test_queueing_the_same_key_again_changes_nothing(maria: Contact, queued: Queue, provider: Provider) -> None:
    queued(maria)
    queued(maria, topic="other")
    outbox.deliver()
    queued(maria)
    outbox.deliver()
    assert len(provider.calls) == 1


def test_what_was_queued_for_somebody_who_was_merged_meanwhile_goes_to_who_they_turned_out_to_be(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    message, anna, bea = queued(maria), person("Anna"), person("Bea")
    Contact.objects.filter(pk=maria.pk).update(merged_into=anna)
    Contact.objects.filter(pk=anna.pk).update(merged_into=bea)
    while outbox.deliver():
        pass
    assert provider.calls == [(message.key, "bea@example.com")]
    assert provider.sent[0].email.subject == "Hello Bea"
    assert status(message) == ("sent", "")


def test_who_merged_into_did_not_agree_is_not_written_to(maria: Contact, queued: Queue, provider: Provider) -> None:
    message, zoe = queued(maria), person("Zoe", agrees_to=None)
    Contact.objects.filter(pk=maria.pk).update(merged_into=zoe)
    while outbox.deliver():
        pass
    assert (provider.calls, status(message)) == ([], ("refused", "no consent"))


@pytest.mark.parametrize(
    ("happens", "gate"),
    [
        (lambda m: Contact.objects.filter(pk=m.pk).update(erased_at=clock.now()), "erased"),
        (lambda m: Stream.objects.update(state="closed"), "paused"),
        (lambda m: Contact.objects.filter(pk=m.pk).update(email=""), "no address"),
        (lambda m: Contact.objects.filter(pk=m.pk).update(email="a@b.example, victim@x.example"), "no address"),
        (lambda m: suppress(m.email), "suppressed"),
        (lambda m: say(m, "unsubscribed", "news"), "no consent"),
        (lambda m: say(m, "unsubscribed", ""), "no consent"),
    ],
)
def test_what_happens_between_claim_and_gate_is_respected(
    maria: Contact, queued: Queue, provider: Provider, monkeypatch: pytest.MonkeyPatch, happens: Any, gate: str
) -> None:
    message = queued(maria)
    before = outbox.gate

    def late(*args: Any) -> Any:
        happens(maria)
        return before(*args)

    monkeypatch.setattr(outbox, "gate", late)
    outbox.deliver()
    assert status(message) == ("refused", gate)
    assert provider.calls == []


def suppress(email: str) -> None:
    Suppression.objects.create(channel="email", digest=digest(email), reason="manual")


@REAL
def test_an_unsubscribe_that_holds_the_row_first_wins_over_a_gate_that_waits_for_it(
    transactional_db: None, maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria)
    holding, waiting = threading.Event(), threading.Event()

    def leave() -> None:
        with transaction.atomic():
            Contact.objects.select_for_update(no_key=True).get(pk=maria.pk)
            holding.set()
            waiting.wait(10)
            say(maria, "unsubscribed", "news")
        connection.close()

    thread = threading.Thread(target=leave)
    thread.start()
    holding.wait(10)
    sender = threading.Thread(target=lambda: (outbox.deliver(), connection.close()))
    sender.start()
    wait_for_a_blocked_lock()
    waiting.set()
    thread.join(10)
    sender.join(10)
    assert status(message) == ("refused", "no consent")
    assert provider.calls == []


def wait_for_a_blocked_lock() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone()[0]:  # type: ignore[index]
                return
        threading.Event().wait(0.02)
    raise AssertionError("the gate never waited for the contact's row")


def test_transactional_mail_goes_without_consent_but_not_to_a_suppressed_address(
    db: None, queued: Queue, provider: Provider
) -> None:
    nils, nora = person("Nils", agrees_to=None), person("Nora", agrees_to=None)
    suppress("NORA@example.com")
    one, other = queued(nils, klass="transactional"), queued(nora, klass="transactional")
    outbox.deliver()
    assert (status(one)[0], status(other)) == ("sent", ("refused", "suppressed"))


@REAL
def test_eight_workers_at_once_make_one_call_each(transactional_db: None, queued: Queue, provider: Provider) -> None:
    for n in range(40):
        queued(person(f"P{n}"))
    threads = [
        threading.Thread(target=lambda: (outbox.deliver(7), outbox.deliver(), connection.close())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(provider.calls) == len(set(provider.calls)) == 40
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


def test_a_later_turn_waits_until_the_earlier_one_has_settled(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    second = queued(maria, "e:1:2", thread="e:1", turn=2)
    first = queued(maria, "e:1:1", thread="e:1", turn=1, due_at=clock.now() + timedelta(hours=1))
    outbox.deliver()
    assert provider.calls == []
    Message.objects.filter(pk=first.pk).update(due_at=clock.now())
    while outbox.deliver():
        pass
    assert [key for key, _ in provider.calls] == ["e:1:1", "e:1:2"]
    assert status(second)[0] == "sent"


def test_withdrawn_messages_do_not_go(maria: Contact, queued: Queue, provider: Provider) -> None:
    message = queued(maria, thread="e:1")
    with transaction.atomic():
        assert services.withdraw(["e:1"]) == 1
        assert services.withdraw([]) == 0
    outbox.deliver()
    assert (status(message), provider.calls) == (("refused", "exited"), [])


def test_a_paused_flow_holds_its_messages_and_sends_them_when_it_runs_again(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria)
    services.set_stream("flow", "win-back", "held")
    assert outbox.deliver() == 0
    assert status(message)[0] == "queued"
    services.set_stream("flow", "win-back", "open")
    outbox.deliver()
    assert status(message)[0] == "sent"


def test_the_cap_counts_what_went_and_what_is_going(maria: Contact, queued: Queue, provider: Provider) -> None:
    Workspace.objects.update(caps={"email": {"count": 2, "per": "1d"}})
    for n in range(4):
        queued(maria, f"e:9:{n}")
    receipt = queued(maria, "t:1", klass="transactional")
    while outbox.deliver():
        pass
    gates = list(Message.objects.filter(klass="marketing").values_list("gate", flat=True))
    assert sorted(gates) == ["", "", "frequency cap", "frequency cap"]
    assert status(receipt)[0] == "sent"


@REAL
def test_two_flows_at_once_never_pass_the_cap(
    transactional_db: None, maria: Contact, queued: Queue, provider: Provider
) -> None:
    Workspace.objects.update(caps={"email": {"count": 1, "per": "1d"}})
    for n in range(6):
        queued(maria, f"e:9:{n}")
    threads = [threading.Thread(target=lambda: (outbox.deliver(1), connection.close())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(provider.calls) == 1


def test_quiet_hours_put_a_message_off_until_they_end(maria: Contact, queued: Queue, provider: Provider) -> None:
    at = clock.now()
    Workspace.objects.update(
        quiet_hours={"from": f"{at - timedelta(hours=1):%H:%M}", "to": f"{at + timedelta(hours=2):%H:%M}"}
    )
    message = queued(maria)
    outbox.deliver()
    assert status(message) == ("queued", "quiet hours")
    assert message.due_at > at + timedelta(hours=1)
    assert provider.calls == []


def test_one_message_that_cannot_be_rendered_fails_alone(maria: Contact, queued: Queue, provider: Provider) -> None:
    bad = queued(maria, "e:1:1", content={"body": "{{ contact.firstName | divided_by: 0 }}"})
    good = queued(maria, "e:2:1")
    outbox.deliver()
    assert status(bad) == ("refused", "content error")
    assert "divide" in bad.reason
    assert status(good)[0] == "sent"


def test_a_provider_that_is_busy_is_asked_again_with_growing_gaps_and_the_same_key(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria)
    provider.script = [Receipt("retry", reason="The mail server answered 451 busy")] * 5
    gaps = []
    for _ in range(5):
        before = clock.now()
        Message.objects.update(due_at=before)
        outbox.deliver()
        message.refresh_from_db()
        gaps.append((message.due_at - before).total_seconds())
    assert gaps[0] < gaps[1] < gaps[2] < gaps[3]
    assert (message.status, message.attempts, "451" in message.reason) == ("failed", 5, True)
    assert {key for key, _ in provider.calls} == {message.key}


def test_a_refusal_for_good_fails_at_once(maria: Contact, queued: Queue, provider: Provider) -> None:
    message = queued(maria)
    provider.script = [Receipt("failed", reason="The mail server answered 550 no such mailbox")]
    outbox.deliver()
    assert (status(message)[0], message.reason) == ("failed", "The mail server answered 550 no such mailbox")


def test_an_answer_that_never_came_is_unknown_for_marketing_and_tried_again_for_a_receipt(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    news, receipt = queued(maria, "e:1:1"), queued(maria, "t:1", klass="transactional")
    provider.script = [Receipt("unsure", reason="The line broke")] * 2
    outbox.deliver()
    assert (status(news)[0], status(receipt)[0]) == ("unknown", "queued")


def test_the_reaper_settles_what_a_dead_worker_held_by_what_may_be_repeated(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    claimed, news, receipt = (
        queued(maria, f"e:{n}:1", klass=k) for n, k in enumerate(["marketing", "marketing", "transactional"])
    )
    held = {"token": "00000000-0000-0000-0000-000000000001", "lease_until": clock.now() - timedelta(seconds=1)}
    Message.objects.filter(pk=claimed.pk).update(status="sending", **held)
    Message.objects.filter(pk__in=[news.pk, receipt.pk]).update(status="calling", **held)
    assert reaping.reap() == 3
    assert reaping.reap() == 0
    assert [status(one)[0] for one in (claimed, news, receipt)] == ["queued", "unknown", "queued"]
    outbox.deliver()
    assert sorted(key for key, _ in provider.calls) == ["e:0:1", "e:2:1"]


def test_a_worker_that_was_stopped_past_its_lease_records_nothing(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria, klass="transactional")

    def sleep_past_the_lease() -> None:
        provider.before = None
        Message.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        reaping.reap()

    provider.before = sleep_past_the_lease
    outbox.deliver()
    assert status(message)[0] == "queued"
    outbox.deliver()
    assert status(message)[0] == "sent"
    assert {key for key, _ in provider.calls} == {message.key}
    assert Event.objects.filter(name__name="Email Sent").count() == 1


def test_whoever_waits_for_a_message_is_woken_when_it_settles(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria)
    Read.objects.create(fact=f"message:{message.key}", stage=2, reader="version:1")
    outbox.deliver()
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact_id, stage FROM contacts_change WHERE fact = %s", [f"message:{message.key}"])
        assert cursor.fetchall() == [(maria.pk, 2)]


def test_nothing_is_claimed_twice_when_the_task_runs_twice(maria: Contact, queued: Queue, provider: Provider) -> None:
    queued(maria)
    deliver_task(rung=True)
    deliver_task(rung=True)
    deliver_task()
    assert len(provider.calls) == 1


def test_everything_waits_while_sending_is_stopped_in_the_settings(
    maria: Contact, queued: Queue, provider: Provider
) -> None:
    Workspace.objects.update(sending_held=True)
    message = queued(maria)
    outbox.deliver()
    assert (status(message), provider.calls) == (("queued", "paused"), [])


def test_a_version_that_changed_since_is_not_what_goes(
    maria: Contact, queued: Queue, provider: Provider, welcome: TemplateVersion
) -> None:
    services.change_template(welcome.template, actor=HOUSE, subject="Changed")
    queued(maria)
    outbox.deliver()
    assert provider.sent[0].email.subject == "Hello Maria"
