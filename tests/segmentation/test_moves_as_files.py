"""CSVs of who entered and who left: each move in one file, on schedule and on demand, in flat memory, told how far and stopped."""

import csv
import tracemalloc
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from config.management.commands.check_invariants import violations
from contacts.services import erase_contact
from segmentation import destinations, exporting, movements
from segmentation.models import Delivery, Destination, Segment
from segmentation.services import remove_members
from tests.segmentation.receiving import circle, destined, join, work_off
from workspace import clock
from workspace.audit import HOUSE
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    """A folder of our own."""
    settings.TRIBUTARY_HOME = tmp_path
    return tmp_path


def moving(segment: Segment, **said: Any) -> Destination:
    """Make a CSV of entries and exits."""
    return destined(segment, kind="csv", **{"what": "both", **said})


def ask(held: Destination) -> list[dict[str, str]]:
    """Ask for a file and return its rows."""
    destinations.send_moves(held, actor=HOUSE)
    work_off()
    return rows_of(held.deliveries.latest("pk"))


def rows_of(delivery: Delivery) -> list[dict[str, str]]:
    delivery.refresh_from_db()
    path = exporting.path_of(delivery)
    assert path is not None, delivery.status
    return list(csv.DictReader(path.open(encoding="utf-8")))


def told(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["firstName"], row["move"]) for row in rows]


def test_each_file_tells_who_came_and_who_went_since_the_one_before() -> None:
    segment = circle()
    join(segment, "Early")
    held = moving(segment)
    ana, _ = join(segment, "Ana", "Bob")
    remove_members(segment, [ana.pk], actor=HOUSE)
    rows = ask(held)
    assert told(rows) == [("Ana", "entered"), ("Bob", "entered"), ("Ana", "exited")]
    assert [row["seq"] for row in rows if row["firstName"] == "Ana"] == ["1", "2"]
    assert rows[0]["quiet"] == "false"
    assert ask(held) == []
    join(segment, "Cleo")
    assert told(ask(held)) == [("Cleo", "entered")]
    assert not [name for name in violations() if "destinations" in name]


@pytest.mark.parametrize(("what", "seen"), [("entries", "entered"), ("exits", "exited")])
def test_a_file_of_entries_or_of_exits_tells_of_those_alone(what: str, seen: str) -> None:
    segment = circle()
    held = moving(segment, what=what)
    (ana,) = join(segment, "Ana")
    remove_members(segment, [ana.pk], actor=HOUSE)
    assert told(ask(held)) == [("Ana", seen)]


def test_a_schedule_writes_moves_for_who_wants_moves_and_the_state_for_the_others() -> None:
    segment = circle()
    kinds = {}
    for what in ("both", "state"):
        held = destined(segment, kind="csv", what=what, schedule="daily", schedule_at=time(6))
        assert held.next_at is not None
        with clock.at(held.next_at + timedelta(seconds=1)):
            destinations.ask_for_what_is_due()
        kinds[what] = held.deliveries.get().kind
    assert kinds == {"both": "moves", "state": "csv"}


def test_a_csv_holds_the_full_state_unless_it_says_otherwise_and_a_webhook_never_does() -> None:
    segment = circle()
    held = destined(segment, kind="csv")
    assert held.what == "state"
    with pytest.raises(Refused, match="Let them tell of entries"):
        destinations.send_moves(held, actor=HOUSE)
    with pytest.raises(Refused, match="A webhook hears of both"):
        destinations.create_destination(
            name="Hook", segment=segment, url="https://example.com/", what="state", actor=HOUSE
        )
    with pytest.raises(IntegrityError, match="webhook_hears_of_moves"), transaction.atomic():
        Destination.objects.filter(pk=held.pk).update(kind="webhook", url="https://example.com/")


def test_who_changes_to_moves_hears_of_what_happens_from_then_on() -> None:
    segment = circle()
    held = destined(segment, kind="csv")
    join(segment, "Ana")
    destinations.change_destination(held, what="both", actor=HOUSE)
    held.refresh_from_db()
    assert ask(held) == []
    join(segment, "Bob")
    assert told(ask(held)) == [("Bob", "entered")]


def test_a_replay_writes_moves_that_were_told_again() -> None:
    segment = circle()
    held = moving(segment)
    join(segment, "Ana")
    first = ask(held)
    destinations.replay(held, since=clock.now() - timedelta(hours=1), actor=HOUSE)
    work_off()
    held.refresh_from_db()
    again = held.deliveries.latest("pk")
    assert (again.round, rows_of(again)) == (2, first)
    assert ask(held) == []


def test_the_full_state_can_be_asked_of_who_hears_of_moves() -> None:
    segment = circle()
    held = moving(segment)
    join(segment, "Ana")
    destinations.send_state(held, actor=HOUSE)
    work_off()
    (row,) = rows_of(held.deliveries.get())
    assert (row["firstName"], "move" in row) == ("Ana", False)
    assert told(ask(held)) == [("Ana", "entered")]


def test_a_file_that_was_fetched_is_written_anew_without_whoever_is_erased(
    django_capture_on_commit_callbacks: Any,
) -> None:
    segment = circle()
    held = moving(segment)
    ana, _ = join(segment, "Ana", "Bob")
    ask(held)
    join(segment, "Cleo")
    with django_capture_on_commit_callbacks(execute=True):
        erase_contact(contact=ana, actor=HOUSE)
    work_off()
    rows = rows_of(held.deliveries.get())
    assert told(rows) == [("", "entered"), ("Bob", "entered")]
    assert rows[0]["id"] == ana.ref
    assert "Cleo" in [name for name, _ in told(ask(held))]


def test_a_cancelled_file_tells_nothing_and_the_next_one_tells_it() -> None:
    segment = circle()
    held = moving(segment)
    join(segment, "Ana")
    destinations.send_moves(held, actor=HOUSE)
    assert destinations.cancel(held, actor=HOUSE) == 1
    join(segment, "Bob")
    assert told(ask(held)) == [("Ana", "entered"), ("Bob", "entered")]


@pytest.mark.parametrize("kind", ["csv", "moves"])
def test_a_file_says_how_far_it_is_and_stops_when_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, home: Path, kind: str
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    monkeypatch.setattr(movements, "CHUNK", 2)
    monkeypatch.setattr(exporting, "TELL_SECONDS", 0.0)
    segment = circle()
    held = moving(segment)
    join(segment, *(f"P{n}" for n in range(7)))
    seen: list[tuple[int, int]] = []
    tell: Callable[..., None] = exporting._tell

    def look(claimed: Any, delivery: Delivery, size: int, **more: int) -> None:
        tell(claimed, delivery, size, **more)
        delivery.refresh_from_db(fields=["size", "total"])
        seen.append((delivery.size, delivery.total))
        if size == 4:
            destinations.cancel(held, actor=HOUSE)

    monkeypatch.setattr(exporting, "_tell", look)
    (destinations.send_moves if kind == "moves" else destinations.send_state)(held, actor=HOUSE)
    work_off()
    assert seen == [(0, 7), (2, 7), (4, 7)]
    assert held.deliveries.get().status == "cancelled"
    assert list((home / "exports").glob("*.csv")) == []
    monkeypatch.setattr(exporting, "_tell", tell)
    if kind == "moves":
        assert len(ask(held)) == 7


def crowd(segment: Segment, many: int) -> None:
    """Let many people enter at once, as an evaluation would."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH made AS (
                   INSERT INTO contacts_contact (first_name, last_name)
                   SELECT 'P' || n, repeat('x', 100) FROM generate_series(1, %(many)s) n RETURNING id
               ), came AS (
                   INSERT INTO segmentation_membership (segment_id, contact_id, seq, since)
                   SELECT %(segment)s, id, 1, now() FROM made
               )
               INSERT INTO segmentation_transition (segment_id, contact_id, seq, kind, cause, fires, at)
               SELECT %(segment)s, id, 1, 'entered', 'data', true, now() FROM made""",
            {"many": many, "segment": segment.pk},
        )


@pytest.mark.parametrize("kind", ["csv", "moves"])
def test_a_file_of_twenty_thousand_takes_no_more_memory_than_one_of_two_thousand(
    home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    peaks = [peak for peak, _ in (measured(kind, many) for many in (2_000, 20_000))]
    assert peaks[1] < peaks[0] * 1.5 + 2_000_000, peaks


def measured(kind: str, many: int) -> tuple[int, int]:
    """Write a file of many and return the peak of memory, with how many rows it has."""
    segment = circle(name=f"Crowd {many}")
    held = moving(segment)
    crowd(segment, many)
    (destinations.send_moves if kind == "moves" else destinations.send_state)(held, actor=HOUSE)
    tracemalloc.start()
    work_off()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    delivery = held.deliveries.get()
    assert (delivery.status, delivery.size, delivery.total) == ("delivered", many, many)
    path = exporting.path_of(delivery)
    assert path is not None
    with path.open() as file:
        assert sum(1 for _ in file) == many + 1
    return peak, many
