"""The demo: real purchases, all of them, moved to today; and segments that equal a count by hand."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum

from config.demo.items import order
from config.demo.people import traits
from config.demo.purchases import LAST_DAY, Purchase, moved, purchases
from contacts.models import Contact, Event
from flows.models import Flow
from messaging.models import Message
from segmentation.models import Membership, Segment
from workspace import clock

CUSTOMERS = 150
ORDERED = "Order Completed"
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole_set() -> list[Purchase]:
    """Every row of the set."""
    return list(purchases())


@pytest.fixture(scope="module")
def some(whole_set: list[Purchase]) -> list[Purchase]:
    """The rows of the customers that the stories load."""
    return [row for row in whole_set if int(row.customer) <= CUSTOMERS]


def test_the_set_is_whole(whole_set: list[Purchase]) -> None:
    assert len(whole_set) == 69_659
    assert len({row.customer for row in whole_set}) == 23_570
    assert sum(Decimal(row.dollars) for row in whole_set) == Decimal("2500315.63")
    content = [(row.customer, row.day, row.cds, row.dollars) for row in whole_set]
    assert len(content) - len(set(content)) == 255
    assert [row for row in whole_set if Decimal(row.dollars) == 0]


@pytest.mark.parametrize("passed", [timedelta(0), timedelta(seconds=1), timedelta(hours=12), timedelta(hours=23.999)])
def test_the_last_orders_are_of_today_and_none_is_of_the_future(whole_set: list[Purchase], passed: timedelta) -> None:
    now = MIDNIGHT + passed
    dates = {row.row: moved(row, now) for row in whole_set}
    assert max(dates.values()) <= now
    shift = now.date() - LAST_DAY
    assert all(dates[row.row].date() == row.day + shift for row in whole_set)
    assert max(at.date() for at in dates.values()) == now.date()


def test_message_ids_come_from_row_numbers_so_that_exact_repeats_stay(whole_set: list[Purchase]) -> None:
    assert [row.row for row in whole_set] == list(range(1, len(whole_set) + 1))
    made = [order(row, MIDNIGHT)["messageId"] for row in whole_set]
    assert made[0] == "cdnow-order-1"
    assert len(set(made)) == len(made)


def test_invented_people_are_labelled_and_always_the_same() -> None:
    assert traits("00042") == traits("00042")
    assert traits("00042")["email"].endswith("@example.com")
    assert "invented" in traits("00042")


@pytest.fixture
def loaded(db: None, some: list[Purchase]) -> Iterator[datetime]:
    """The shop with its first customers, loaded at this instant."""
    at = clock.now()
    with clock.at(at):
        call_command("demo", "--load", "--customers", str(CUSTOMERS))
        yield at


def footprint() -> tuple[list[tuple[int, ...]], ...]:
    """Return how many rows each table of the demo has."""
    names = "contacts_contact contacts_event contacts_receipt contacts_consent contacts_change segmentation_membership"
    names += " segmentation_transition messaging_template messaging_templateversion flows_flow flows_version"
    names += " flows_entry flows_enrollment messaging_message contacts_attribute contacts_eventname"
    with connection.cursor() as cursor:
        found = []
        for name in names.split():
            cursor.execute(f"SELECT count(*) FROM {name}")
            found.append(cursor.fetchall())
        return tuple(found)


def members(slug: str) -> set[str | None]:
    """Name the members of a segment by their customer numbers."""
    rows = Membership.objects.filter(segment__slug=slug).values_list("contact__user_id", flat=True)
    return {str(name).removeprefix("cdnow-") for name in rows}


def by_hand(some: list[Purchase], now: datetime) -> dict[str, set[str]]:
    """Sort the customers into the demo's segments by plain reading of the rows."""
    orders: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for row in some:
        orders[row.customer].append((moved(row, now), Decimal(row.dollars)))
    sorted_in: dict[str, set[str]] = defaultdict(set)
    for customer, made in orders.items():
        year = [dollars for at, dollars in made if at > now - timedelta(days=365)]
        lately = [at for at, _ in made if at > now - timedelta(days=90)]
        half = [at for at, _ in made if at > now - timedelta(days=180)]
        verdicts = {
            "high-rollers": len(year) >= 4 and sum(year) >= 200 and bool(lately),
            "lapsed-high-rollers": len(made) >= 4 and sum(dollars for _, dollars in made) >= 250 and not half,
            "one-time-buyers": len(made) == 1,
            "active-90-days": bool(lately),
        }
        for slug, verdict in verdicts.items():
            if verdict:
                sorted_in[slug].add(customer)
    return sorted_in


def test_the_shop_stands_as_the_set_says(loaded: datetime, some: list[Purchase]) -> None:
    orders = Event.objects.filter(name__name=ORDERED)
    assert Contact.objects.count() == len({row.customer for row in some}) == CUSTOMERS
    assert orders.count() == len(some)
    assert orders.aggregate(sum=Sum("value"))["sum"] == sum(Decimal(row.dollars) for row in some)
    assert set(orders.values_list("message_id", flat=True)) == {f"cdnow-order-{row.row}" for row in some}
    assert {row.customer for row in some} == {
        name.removeprefix("cdnow-") for name in Contact.objects.values_list("user_id", flat=True)
    }
    wanted = by_hand(some, loaded)
    for slug in ("high-rollers", "lapsed-high-rollers", "one-time-buyers", "active-90-days"):
        assert members(slug) == wanted[slug], slug
    assert wanted["one-time-buyers"]
    assert wanted["active-90-days"]
    assert set(Flow.objects.values_list("slug", "status")) == {("win-back", "running"), ("thank-you", "running")}
    assert not Message.objects.filter(stream__slug="thank-you").exists(), "history thanks nobody"

    before = footprint()
    call_command("demo", "--load", "--customers", str(CUSTOMERS))
    assert footprint() == before
    assert Segment.objects.count() == 6
