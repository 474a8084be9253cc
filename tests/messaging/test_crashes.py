"""A worker is killed at each named point: nothing is lost, and marketing is never said twice."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from contacts.models import Contact, Event
from messaging import outbox, reaping
from messaging.models import Message
from tests.messaging.conftest import Queue, person
from workspace import clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]
WORKER = "import django; django.setup(); from messaging import outbox; outbox.deliver()"


def run_worker(witness: Path, crash_at: str = "") -> int:
    """Deliver in a process of its own, which may be killed on the way."""
    held = connection.settings_dict
    url = f"postgres://{held['USER']}:{held['PASSWORD']}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
    told = {"DATABASE_URL": url, "CRASH_AT": crash_at, "MESSAGING_WITNESS": "1", "WITNESS_FILE": str(witness)}
    told["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings")
    done = subprocess.run([sys.executable, "-c", WORKER], env={**os.environ, **told}, timeout=120, check=False)
    return done.returncode


def calls(witness: Path) -> list[str]:
    return [json.loads(line)["key"] for line in witness.read_text().splitlines()] if witness.exists() else []


@pytest.fixture
def mixed(transactional_db: None, queued: Queue) -> list[Contact]:
    """Three people, each owed one newsletter and one receipt."""
    people = [person(name) for name in ("Ann", "Bob", "Cleo")]
    for one in people:
        queued(one, f"news:{one.pk}")
        queued(one, f"receipt:{one.pk}", klass="transactional")
    return people


@pytest.mark.parametrize("point", ["after_claim", "after_gate", "after_provider_call", "before_record"])
def test_killed_at_a_point_nothing_is_lost_and_no_newsletter_is_sent_twice(
    mixed: list[Contact], tmp_path: Path, point: str
) -> None:
    witness = tmp_path / "witness.jsonl"
    assert run_worker(witness, point) == -9
    during = calls(witness)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_message SET lease_until = tributary_now() - interval '1 second' WHERE token IS NOT NULL"
        )
    reaping.reap()
    assert run_worker(witness) == 0
    after = calls(witness)
    for one in Message.objects.all():
        marketing = one.klass == "marketing"
        assert after.count(one.key) <= (1 if marketing else 2)
        assert one.status == "sent" or (marketing and one.status == "unknown")
        if one.status == "sent":
            assert after.count(one.key) >= 1
    unknown = Message.objects.filter(status="unknown").count()
    assert unknown == (0 if point == "after_claim" else 3)
    assert len(after) - len(set(after)) <= len(during)
    assert Event.objects.filter(name__name="Email Sent").count() == 6 - unknown


def test_an_unknown_message_is_seen_and_can_be_sent_again_by_hand(mixed: list[Contact], tmp_path: Path) -> None:
    witness = tmp_path / "witness.jsonl"
    run_worker(witness, "before_record")
    Message.objects.filter(status="calling").update(lease_until=clock.now() - timedelta(seconds=1))
    reaping.reap()
    assert Message.objects.filter(status="unknown").count() == 3
    assert outbox.deliver() >= 0
