"""Another program on the other side: a real web server that checks every signature and remembers what it heard."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from contacts.models import Contact
from segmentation import delivering, syncing
from segmentation.destinations import create_destination
from segmentation.models import Delivery, Destination, Segment
from segmentation.services import add_members, create_segment, remove_members
from tests.factories import ids, person
from workspace.audit import HOUSE


class Receiver(ThreadingHTTPServer):
    """Answers by script (status, headers), else 204; what it heard stands in `heard` as (id, document)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ear)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.signatures: list[list[str]] = []
        self.script: list[tuple[int, dict[str, str]]] = []
        self.secrets: list[str] = []
        self.wait: threading.Event | None = None
        self.came = threading.Event()
        self.before: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def keys(self) -> list[str]:
        return [key for key, _ in self.heard]

    def names(self, which: str) -> list[str]:
        """Name who entered or exited, in the order in which it was heard."""
        return [one["contact"]["firstName"] for _, said in self.heard for one in said["data"].get(which, ())]


class Ear(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for secret in self.server.secrets:
            Webhook(secret).verify(body, dict(self.headers))
        self.server.heard.append((self.headers["webhook-id"], json.loads(body)))
        self.server.signatures.append(self.headers["webhook-signature"].split())
        self.server.came.set()
        if self.server.wait:
            self.server.wait.wait(20)
        status, headers = self.server.script.pop(0) if self.server.script else (204, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        if server.wait:
            server.wait.set()
        server.shutdown()
        server.server_close()


def circle(*members: Contact, name: str = "Circle") -> Segment:
    """Make a static segment of these people."""
    made = create_segment(name=name, kind="static", actor=HOUSE)
    if members:
        add_members(made, ids(members), actor=HOUSE)
    return made


def join(segment: Segment, *names: str) -> list[Contact]:
    people = [person(name) for name in names]
    add_members(segment, ids(people), actor=HOUSE)
    return people


def leave(segment: Segment, *people: Contact) -> None:
    remove_members(segment, ids(people), actor=HOUSE)


def destined(segment: Segment, receiver: Receiver | None = None, **said: Any) -> Destination:
    """Make a destination; the receiver learns the secret."""
    url = receiver.url if receiver else ""
    made, secret = create_destination(name="CRM", segment=segment, url=url, actor=HOUSE, **said)
    if receiver and secret:
        receiver.secrets = [secret]
    return made


def work_off() -> int:
    """Do what a turn does, in this thread and with this connection's clock."""
    claimed = delivering.claim(8)
    for one in claimed:
        syncing.serve(one)
    return len(claimed)


def statuses(destination: Destination) -> list[str]:
    return list(Delivery.objects.filter(destination=destination).order_by("pk").values_list("status", flat=True))
