"""What hangs on one contact, by API: segments, journeys, messages, events; the loser's history is the winner's."""

from typing import Any

import pytest
from django.test import Client

from contacts.ingest import Source, take
from contacts.models import Contact
from flows.models import Enrollment, Flow, Version
from messaging.models import Message, Stream
from segmentation import services
from workspace import clock
from workspace.audit import HOUSE
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db


def tell(*items: dict[str, Any]) -> None:
    said = [{"messageId": f"m{number}{one}", **one} for number, one in enumerate(items)]
    assert not any(take(said, source=Source("tests"), received_at=clock.now()))


def anna() -> Contact:
    """Anna visited before she said who she is; as a visitor she was in a flow and was written to."""
    tell({"type": "identify", "anonymousId": "a1", "traits": {}}, {"type": "identify", "userId": "anna", "traits": {}})
    visitor = Contact.objects.get(user_id=None)
    flow = Flow.objects.create(slug="welcome", name="Welcome")
    version = Version.objects.create(flow=flow, number=1, graph={}, digest="x")
    now = clock.now()
    Enrollment.objects.create(
        flow=flow, version=version, contact=visitor, status="completed", node="start", ended_at=now, entered_at=now,
        entered_on=now.date(),
    )  # fmt: skip
    stream = Stream.objects.create(kind="flow", slug="welcome")
    Message.objects.create(
        key="e:1:1", contact=visitor, channel="email", klass="marketing", stream=stream, status="sent", due_at=now,
        planned_at=now, settled_at=now,
    )  # fmt: skip
    tell({"type": "track", "userId": "anna", "anonymousId": "a1", "event": "Came Back"})
    tell({"type": "identify", "userId": "anna", "anonymousId": "a1", "traits": {}})
    return Contact.objects.get(user_id="anna")


def test_everything_that_hangs_on_a_contact_is_read_by_its_address(read_key: str) -> None:
    found = anna()
    services.add_members(services.create_segment(name="Staff", actor=HOUSE), [found.pk], actor=HOUSE)
    client = Client(headers={"Authorization": f"Bearer {read_key}"})

    def of(what: str) -> list[dict[str, Any]]:
        answer = client.get(f"/api/v1/contacts/user:anna/{what}/")
        assert answer.status_code == 200, answer.content
        assert set(answer.json()) == {"next", "previous", "results"}
        rows: list[dict[str, Any]] = answer.json()["results"]
        return rows

    (segment,) = of("segments")
    assert (segment["slug"], segment["kind"], segment["cause"], segment["by"]) == ("staff", "static", "manual", None)
    (journey,) = of("enrollments")
    assert journey["status"] == "completed"
    assert [one["status"] for one in of("messages")] == ["sent"]
    assert [one["event"] for one in of("events")] == ["Came Back"]
    assert client.get("/api/v1/contacts/user:nobody/segments/").status_code == 404
    assert client.get("/api/v1/contacts/user:anna/enrollments/?status=gone").status_code == 400


def test_what_uses_a_segment_is_read_page_by_page(read_key: str) -> None:
    services.create_segment(name="Staff", actor=HOUSE)
    for name in ("a", "b", "c"):
        services.create_segment(
            name=name.upper(), slug=f"on-{name}", kind="dynamic", criteria={"type": "SEGMENT", "segment": "staff"},
            actor=HOUSE,
        )  # fmt: skip
    set_uses("flow:gone", ["segment:staff"])
    client = Client(headers={"Authorization": f"Bearer {read_key}"})
    first = client.get("/api/v1/segments/staff/used-by/?limit=2").json()
    rest = client.get(first["next"]).json()
    assert [one["ref"] for one in first["results"]] == ["flow:gone", "segment:on-a"]
    assert [(one["ref"], one["name"]) for one in rest["results"]] == [("segment:on-b", "B"), ("segment:on-c", "C")]
    assert rest["next"] is None
