"""The members of a segment as CSV for somebody's screen: streamed a chunk at a time, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterator

from contacts.models import Contact
from segmentation.exporting import chunks, safe

HEAD = ("user_id", "email", "name", "since")


def lines(segment_id: int) -> Iterator[str]:
    """Yield the head and then each chunk of members; no list of a million, no transaction held."""
    yield _text([list(HEAD)])
    for rows in chunks(segment_id):
        found = Contact.objects.in_bulk([pk for pk, _ in rows])
        alive = [(found[pk], since) for pk, since in rows if pk in found and found[pk].alive]
        yield _text(
            [[safe(one.user_id), safe(one.email), safe(one.display), since.isoformat()] for one, since in alive]
        )


def _text(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
