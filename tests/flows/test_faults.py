"""Faults of reliability.md that no other story tells: a machine ahead of its time, a stalled transaction, a backlog, a herd."""

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction

from contacts.ingest import take
from contacts.models import Contact, Event
from flows import intake, runner, services
from flows.models import Enrollment, Step
from messaging import outbox
from messaging.models import Message
from tests.flows.conftest import NOON, SHOP, STARTS, WELCOME, World, broken, wait
from tests.flows.test_together import sign_up, together
from workspace.audit import HOUSE
from workspace.problems import Refused

AHEAD = """
import os, time, django
django.setup()
from django.utils import timezone
from datetime import timedelta
real, now = time.time, timezone.now
time.time = lambda: real() + 30 * 86400
timezone.now = lambda: now() + timedelta(days=30)
from django.db import connection
from flows import crank
from messaging import outbox
connection.cursor().execute("SELECT set_config('tributary.now', %s, false)", [os.environ["NOON"]])
crank.turn(20)
outbox.deliver()
"""


def elsewhere(code: str) -> None:
    """Run this in a process of its own on this test's database, at noon."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    environment = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "NOON": NOON.isoformat()}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, check=True, timeout=200)


def test_f14_a_worker_whose_clock_is_a_month_ahead_does_nothing_early(real_world: World) -> None:
    real_world.flow(STARTS, wait("1h"), WELCOME)
    real_world.meets("mara")
    real_world.did("mara", "Signed Up")
    elsewhere(AHEAD)
    one = Enrollment.objects.get()
    assert (one.node, one.due_at) == ("wait", NOON.replace(hour=13)), "waiting by the clock of the database"
    assert not Message.objects.exists()


def test_f15_a_clock_that_leaps_forward_fires_what_waits_once(world: World) -> None:
    world.flow(STARTS, wait("1h"), WELCOME)
    world.does("mara", "Signed Up")
    world.later("1d")
    world.settle()
    assert (len(world.mails("mara")), world.path("mara")) == (1, ["start", "wait", "mail"])


def test_f21_a_transaction_that_stalls_with_a_contact_in_hand_holds_up_nobody_else(real_world: World) -> None:
    real_world.flow(STARTS, WELCOME)
    sign_up(real_world, 10)
    with transaction.atomic():
        Contact.objects.select_for_update(no_key=True).get(user_id="p3")
        together(lambda: intake.take(100))
        assert Enrollment.objects.count() == 9
        together(lambda: runner.run(100))
        assert Step.objects.count() == 18
    real_world.settle()
    assert Enrollment.objects.filter(status="completed").count() == 10
    timeout = connection.settings_dict["OPTIONS"]["options"]
    assert "idle_in_transaction_session_timeout" in timeout, "the server ends it in the end"


def test_f22_one_contact_whose_data_breaks_a_step_leaves_the_other_two_hundred_alone(world: World) -> None:
    points = {"changes": [{"attribute": "customProperties.points", "increment": {"trigger": "points"}}]}
    world.flow(STARTS, ("add", "update_contact", points), WELCOME)
    people = [f"p{n}" for n in range(200)]
    world.meets(*people)
    for who in people:
        world.did(who, "Signed Up", points=10**15 if who == "p77" else 1)
    world.contact("p77")
    world.settle()
    states = dict.fromkeys(people, "completed")
    found = dict(Enrollment.objects.values_list("contact__user_id", "status"))
    assert {who: state for who, state in found.items() if state != states[who]}.keys() <= {"p77"}
    assert Message.objects.count() >= 199


def test_f29_draining_during_a_wait_takes_nobody_in_from_any_door_and_ends_with_the_last(world: World) -> None:
    flow = world.flow(STARTS, wait("1h"), WELCOME, reentry={"allowed": True, "after": "1h"})
    world.does("mara", "Signed Up")
    services.drain(flow, actor=HOUSE)
    world.does("ben", "Signed Up")
    with pytest.raises(Refused):
        services.enrol(flow, contact_ids=[world.contact("ben").pk], actor=HOUSE)
    assert world.journeys("ben") == []
    world.settle()
    flow.refresh_from_db()
    assert flow.status == "draining"
    world.later("1h")
    flow.refresh_from_db()
    assert (flow.status, world.journeys("mara")) == ("ended", [("completed", "mail", "")])


def test_f30_deactivated_edited_and_activated_again_those_inside_keep_their_version(world: World) -> None:
    flow = world.flow(STARTS, wait("2h"), WELCOME)
    world.does("mara", "Signed Up")
    services.pause(flow, actor=HOUSE, mode="hold_due")
    services.drafts.remove_node(flow, "mail")
    services.publish_flow(flow, actor=HOUSE)
    services.resume(flow, actor=HOUSE)
    world.does("ben", "Signed Up")
    world.later("2h")
    assert (world.path("mara"), world.path("ben")) == (["start", "wait", "mail"], ["start", "wait"])


def test_f31_a_backlog_of_due_waits_does_not_keep_fresh_work_waiting(world: World) -> None:
    world.flow(STARTS, wait("1h"), WELCOME)
    people = [f"p{n}" for n in range(60)]
    world.meets(*people, "mara")
    for who in people:
        world.did(who, "Signed Up")
    world.settle()
    world.turn_clock(NOON.replace(hour=20))
    world.did("mara", "Signed Up")
    intake.take(100)
    runner.run(14)  # a worker's batch, of which sixty others have been due for hours
    assert world.path("mara") == ["start"]
    assert Step.objects.filter(node="mail").count() == 13, "and the backlog has its share"
    world.settle()


class Herd:
    """A web server that counts how many call at once, and keeps the order of each caller."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.heard: list[str] = []
        self.lock = threading.Lock()


@pytest.fixture
def herd(settings: Any) -> Iterator[tuple[Herd, str]]:
    one = Herd()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with one.lock:
                one.now += 1
                one.most = max(one.most, one.now)
                one.heard.append(body.decode())
            time.sleep(0.01)
            with one.lock:
                one.now -= 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *said: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield one, f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def test_f32_a_herd_into_one_webhook_comes_sixteen_at_a_time_each_in_order(
    real_world: World, herd: tuple[Herd, str]
) -> None:
    heard, url = herd
    calls = [(f"hook{n}", "webhook", {"url": url, "body": f"{{{{ contact.userId }}}} {n}"}) for n in (1, 2)]
    real_world.flow(STARTS, *calls)
    sign_up(real_world, 120)
    real_world.settle()
    for _ in range(12):
        outbox.deliver()
        real_world.settle()
    assert heard.most <= outbox.AT_ONCE
    assert sorted(heard.heard) == sorted(f"p{n} {step}" for n in range(120) for step in (1, 2)), "each once"
    assert all(heard.heard.index(f"p{n} 1") < heard.heard.index(f"p{n} 2") for n in range(120))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_f33_events_out_of_order_late_doubled_and_early_come_to_the_same(world: World, order: tuple[int, ...]) -> None:
    world.flow(("start", "event", {"event_name": "Ordered", "entry_key": "orderId"}), WELCOME, max_event_age="1d")
    hours = {"a": 11, "b": 10, "c": 9}
    told = [
        {
            "type": "track",
            "messageId": key,
            "userId": "mara",
            "event": "Ordered",
            "timestamp": NOON.replace(hour=hour).isoformat(),
            "properties": {"orderId": key},
        }
        for key, hour in hours.items()
    ]
    late = {**told[0], "messageId": "late", "timestamp": NOON.replace(day=1, month=2).isoformat()}
    early = {**told[0], "messageId": "early", "timestamp": NOON.replace(year=2027).isoformat()}
    with_late = [told[at] for at in order] + [late, early, told[0], {**early}]
    services.Flow.objects.update(activated_at=NOON.replace(hour=1))
    for one in with_late:
        assert take([one], source=SHOP, received_at=world.at) == [None]
        world.settle()
    assert len(world.journeys("mara")) == 3
    assert sorted(world.refusals("mara")) == [
        "before_activation",
        "no_reentry",
    ]  # the late one; the early one is order a
    assert Event.objects.count() == 5


class Cutter(socketserver.BaseRequestHandler):
    """Passes everything on to PostgreSQL, and cuts the line when a COMMIT has been handed over."""

    def handle(self) -> None:
        """Serve one connection."""
        settings = connection.settings_dict
        with socket.create_connection((settings["HOST"], int(settings["PORT_OF_SERVER"]))) as server:
            threading.Thread(target=self._back, args=(server,), daemon=True).start()
            while data := self.request.recv(65_536):
                server.sendall(data)
                if b"COMMIT" in data:
                    self.cut = True
                    server.recv(1)  # PostgreSQL has answered, so it has committed; nobody will hear of it
                    break
            self.request.shutdown(socket.SHUT_RDWR)

    cut = False

    def _back(self, server: socket.socket) -> None:
        try:
            while not self.cut:
                server.settimeout(0.05)
                try:
                    data = server.recv(65_536, socket.MSG_PEEK)
                except TimeoutError:
                    continue
                if not data or self.cut:
                    return
                self.request.sendall(server.recv(len(data)))
        except OSError:
            return


@contextmanager
def through_a_line_that_is_cut() -> Iterator[None]:
    """Let this thread talk to PostgreSQL through a line that breaks while it waits for the answer to COMMIT."""
    settings = connection.settings_dict
    settings["PORT_OF_SERVER"] = settings["PORT"]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cutter) as line:
        line.daemon_threads = True
        threading.Thread(target=line.serve_forever, daemon=True).start()
        connection.close()
        settings["PORT"] = line.server_address[1]
        try:
            yield
        finally:
            connection.close()
            settings["PORT"] = settings.pop("PORT_OF_SERVER")
            line.shutdown()


def test_f7_who_never_heard_that_it_was_committed_tells_it_again_and_nothing_is_doubled(real_world: World) -> None:
    real_world.flow(STARTS, WELCOME)
    real_world.meets("mara")
    item = {"type": "track", "messageId": "m1", "userId": "mara", "event": "Signed Up", "timestamp": NOON.isoformat()}
    with through_a_line_that_is_cut():
        real_world.turn_clock(NOON)
        with pytest.raises((OperationalError, InterfaceError)):
            take([item], source=SHOP, received_at=NOON)
    real_world.turn_clock(NOON)
    assert Event.objects.count() == 1, "it was committed, though nobody was told"
    assert take([item], source=SHOP, received_at=NOON) == [None]
    with through_a_line_that_is_cut():
        real_world.turn_clock(NOON)
        with pytest.raises((OperationalError, InterfaceError)):
            intake.take(10)
    real_world.turn_clock(NOON)
    real_world.settle()
    assert (Event.objects.count(), Enrollment.objects.count(), Message.objects.count()) == (1, 1, 1)
    assert broken() == {}
