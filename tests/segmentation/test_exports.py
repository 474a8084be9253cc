"""CSVs of segments: safe to open, streamed, on schedule, gone with whoever is erased."""

import csv
import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contacts.models import Attribute
from contacts.services import erase_contact
from segmentation import delivering, destinations, exporting
from segmentation.models import Delivery, Destination, Segment
from segmentation.timetable import next_at
from tests.factories import person, say
from tests.segmentation.receiving import circle, destined, join, work_off
from workspace import clock
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    """A folder of our own."""
    settings.TRIBUTARY_HOME = tmp_path
    return tmp_path


def files(home: Path) -> list[Path]:
    return sorted((home / "exports").glob("*.csv"))


def written(segment: Segment) -> tuple[Destination, Delivery]:
    held = destined(segment, kind="csv")
    destinations.send_state(held, actor=HOUSE)
    work_off()
    return held, Delivery.objects.get()


def test_a_file_tells_who_is_in_and_no_cell_is_a_formula(home: Path) -> None:
    Attribute.objects.create(name="plan", type="string")
    segment = circle()
    ana, _ = join(segment, '=HYPERLINK("http://x")', "Ünal")
    say(ana, plan="@SUM(A1)")
    _, delivery = written(segment)
    assert (delivery.status, delivery.size) == ("delivered", 2)
    (path,) = files(home)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [row["firstName"] for row in rows] == ['\'=HYPERLINK("http://x")', "Ünal"]
    assert [row["customProperties.plan"] for row in rows] == ["'@SUM(A1)", ""]
    assert oct(path.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\r=x", "  =x", "＝1"])
def test_whatever_a_spreadsheet_takes_for_a_formula_is_quoted(text: str) -> None:
    assert exporting.safe(text).startswith("'")


def test_values_that_are_no_text_stay_what_they_are() -> None:
    assert [exporting.safe(one) for one in (None, True, -3, 1.5, {"a": 1}, "a-b")] == [
        "",
        "true",
        "-3",
        "1.5",
        '{"a": 1}',
        "a-b",
    ]


def test_members_are_read_a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 3)
    segment = circle()
    join(segment, *(f"P{n}" for n in range(8)))
    assert [len(rows) for rows in exporting.chunks(segment.pk)] == [3, 3, 2]
    written(segment)
    assert len(files(home)[0].read_text().splitlines()) == 9


def test_erasing_somebody_removes_every_file_that_may_tell_of_them(
    home: Path, django_capture_on_commit_callbacks: Any
) -> None:
    segment, other = circle(), circle(person("Zoe"), name="Other")
    ana, _ = join(segment, "Ana", "Bob")
    held, _ = written(segment)
    second = destinations.create_destination(name="Second", kind="csv", segment=other, actor=HOUSE)[0]
    destinations.send_state(second, actor=HOUSE)
    work_off()
    assert len(files(home)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        receipt = erase_contact(contact=ana, actor=HOUSE)
    assert receipt["erased"]["export"] == 1
    assert [path.name.startswith("second") for path in files(home)] == [True]
    assert exporting.path_of(held.deliveries.get()) is None


def test_a_file_that_is_being_written_while_somebody_is_erased_is_written_anew(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    segment = circle()
    ana, _ = join(segment, "Ana", "Bob")
    chunks = exporting.chunks
    once: list[Any] = []

    def erase_meanwhile(segment_id: int) -> Any:
        yield from chunks(segment_id)
        if not once:
            once.append(erase_contact(contact=ana, actor=HOUSE))

    monkeypatch.setattr(exporting, "chunks", erase_meanwhile)
    written(segment)
    (path,) = files(home)
    assert "Ana" not in path.read_text()
    assert "Bob" in path.read_text()


def test_files_expire_after_seven_days_and_strays_are_swept(home: Path) -> None:
    segment = circle()
    join(segment, "Ana")
    _, delivery = written(segment)
    assert delivery.expires_at is not None
    assert delivery.expires_at - clock.now() > timedelta(days=6, hours=23)
    old = files(home)[0]
    with clock.at(clock.now() + timedelta(days=8)):
        assert exporting.path_of(delivery) is None
        exporting.tidy()
    stray = home / "exports" / "stray.csv"
    stray.write_text("x")
    assert old.exists(), "a fresh file is left for an hour, lest it be one that is being written"
    for path in (old, stray):
        make_old(path)
    assert exporting.tidy() == 2
    assert files(home) == []


def make_old(path: Path) -> None:
    """Make a file look two hours old."""
    os.utime(path, (path.stat().st_atime - 7200, path.stat().st_mtime - 7200))


def test_a_schedule_asks_for_a_file_when_its_hour_comes_and_once(home: Path) -> None:
    segment = circle()
    join(segment, "Ana")
    held = destined(segment, kind="csv", schedule="daily", schedule_at=time(6))
    assert held.next_at is not None
    assert destinations.ask_for_what_is_due() == 0
    with clock.at(held.next_at):
        assert destinations.ask_for_what_is_due() == 1
        assert destinations.ask_for_what_is_due() == 0
        work_off()
    before = held.next_at
    held.refresh_from_db()
    assert held.next_at == before + timedelta(days=1)
    assert len(files(home)) == 1


def test_a_paused_destination_skips_what_was_due_and_has_a_next_hour_when_it_goes_on() -> None:
    held = destined(circle(), kind="csv", schedule="daily")
    destinations.pause_destination(held, actor=HOUSE)
    with clock.at(clock.now() + timedelta(days=3)):
        assert destinations.ask_for_what_is_due() == 0
        destinations.resume_destination(held, actor=HOUSE)
        held.refresh_from_db()
        assert held.next_at is not None
        assert held.next_at > clock.now()
    assert delivering.claim(8) == []


def test_local_hours_are_right_where_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    first = next_at("daily", time(6), None, zone, spring)
    assert first is not None
    assert first.astimezone(UTC) == datetime(2026, 3, 29, 4, tzinfo=UTC), "6:00 is two hours ahead from that night on"
    monday = next_at("weekly", time(6), 1, zone, datetime(2026, 3, 30, 4, tzinfo=UTC))
    assert monday is not None
    assert monday.astimezone(UTC) == datetime(2026, 4, 6, 4, tzinfo=UTC), "that very instant is over"
    assert next_at("", None, None, zone, spring) is None
