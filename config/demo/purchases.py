"""The CDNOW purchases (Fader and Hardie's public benchmark set): 23,570 customers, 69,659 orders, $2,500,315.63."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

FILE = Path(__file__).with_name("cdnow.csv.gz")
LAST_DAY = date(1998, 6, 30)
DAY_SECONDS = 86_400
STRIDE = 54_323  # spreads the rows of one day over its seconds; shares no factor with a day


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row of the set: 255 rows are exact repeats of another and are real all the same."""

    row: int
    customer: str
    day: date
    cds: int
    dollars: str

    @property
    def user_id(self) -> str:
        """Return the user id the customer has here."""
        return f"cdnow-{self.customer}"


def purchases() -> Iterator[Purchase]:
    """Yield every row in the order of the file, numbered from 1."""
    with gzip.open(FILE, "rt", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            yield Purchase(
                number, row["customer_id"], date.fromisoformat(row["purchased_on"]), int(row["cds"]), row["dollars"]
            )


def moved(purchase: Purchase, today: datetime) -> datetime:
    """Return when the purchase counts as made: its day moved so that the set's last day is today, never later than now."""
    day = purchase.day + (today.astimezone(UTC).date() - LAST_DAY)
    seconds = purchase.row * STRIDE % DAY_SECONDS
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    passed = (today - datetime(today.year, today.month, today.day, tzinfo=UTC)).total_seconds()
    return at if at <= today else at - timedelta(seconds=seconds - seconds * passed / DAY_SECONDS)
