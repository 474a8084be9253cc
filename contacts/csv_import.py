"""A file of contacts through the same door as everything else: read, previewed, imported, reported line by line."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from contacts.ingest import Source, take_in
from contacts.models import Attribute, AttributeType
from contacts.properties import CONSENT_CHANNELS, TEXT_COLUMNS
from contacts.types import as_type
from workspace import clean
from workspace.problems import Fault, refuse

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 10_000
MAX_COLUMNS = 200
MAX_CELL = 8_000
BATCH = 1000
SKIP = ""
USER_ID = "userId"
PROPERTIES = (USER_ID, "name", *TEXT_COLUMNS, "createdAt", *CONSENT_CHANNELS)
_WORD = re.compile(r"[^a-z0-9]+")
_GUESSES = {
    _WORD.sub("", alias.lower()): name
    for name, aliases in {
        USER_ID: "user id,userid,id,customer id,external id,uid",
        "name": "name,full name,contact",
        "email": "email,e-mail,mail,email address",
        "phone": "phone,mobile,telephone,phone number,mobile number",
        "firstName": "first name,firstname,given name,forename",
        "lastName": "last name,lastname,surname,family name",
        "country": "country",
        "city": "city,town",
        "language": "language,locale",
        "timezone": "timezone,time zone",
        "createdAt": "created at,createdat,created,signed up,signup date",
        "emailSubscribed": "email subscribed,emailsubscribed,subscribed,opt in,newsletter",
        "smsSubscribed": "sms subscribed,smssubscribed",
        "whatsappSubscribed": "whatsapp subscribed,whatsappsubscribed",
    }.items()
    for alias in aliases.split(",")
}
_TRUE, _FALSE = {"true", "yes", "y", "1", "subscribed"}, {"false", "no", "n", "0", "unsubscribed"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as read: its header, its rows with the line each begins at, and the delimiter found."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    delimiter: str


@dataclass(slots=True)
class Report:
    """What became of an import, line by line."""

    rows: int = 0
    stored: int = 0
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    contact_ids: list[int] = field(default_factory=list)


def read_sheet(raw: bytes) -> Sheet:
    """Read a CSV file in UTF-8 (with or without a mark) or Windows-1252; raise Refused with the line of the fault."""
    if len(raw) > MAX_BYTES:
        raise refuse("file", f"The file is larger than {MAX_BYTES // 1024 // 1024} MB; split it.", 413)
    text = _text(raw)
    if "\x00" in text:
        raise refuse("file", f"Line {text[: text.index(chr(0))].count(chr(10)) + 1} has a NUL character; remove it.")
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = _header(_next(reader) or [])
    rows = []
    for line, row in _rows(reader):
        if any(cell.strip() for cell in row):
            rows.append((line, row))
        if len(rows) > MAX_ROWS:
            raise refuse("file", f"The file has more than {MAX_ROWS:,} contacts; split it.", 413)
    if not rows:
        raise refuse("file", "The file has a header but no contacts below it.")
    return Sheet(header, rows, delimiter)


def _text(raw: bytes) -> str:
    if not raw.strip():
        raise refuse("file", "The file is empty.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return _utf16(raw)
        if raw[:2] == b"PK":
            raise refuse("file", "This is a spreadsheet, not a CSV; save it as CSV in UTF-8.") from error
        return raw.decode("cp1252", "replace")


def _utf16(raw: bytes) -> str:
    try:
        return raw.decode("utf-16")
    except UnicodeDecodeError as error:
        raise refuse("file", "The file is neither UTF-8 nor UTF-16; save it as CSV in UTF-8.") from error


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=first.count)


def _next(reader: Any) -> list[str] | None:
    try:
        row: list[str] | None = next(reader, None)
    except csv.Error as error:
        raise refuse("file", f"Line {reader.line_num} is not CSV: {error}. Is a quote left open?") from error
    return row


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    line = reader.line_num + 1
    while (row := _next(reader)) is not None:
        yield line, row
        line = reader.line_num + 1


def _header(cells: Sequence[str]) -> list[str]:
    header = [" ".join(cell.split()) for cell in cells]
    if not any(header):
        raise refuse("file", "The first line must name the columns.")
    if len(header) > MAX_COLUMNS:
        raise refuse("file", f"The file has {len(header)} columns; at most {MAX_COLUMNS} are taken.")
    lows = [one.lower() for one in header if one]
    if twice := next((one for one in lows if lows.count(one) > 1), None):
        raise refuse("file", f'Two columns are called "{twice[:60]}"; give each its own name.')
    return header


def guess_mapping(header: Sequence[str]) -> list[str]:
    """Return for each column the property it fills: a standard one, or one of the contact's own; "" leaves it out."""
    mapping: list[str] = []
    for name in header:
        guess = _GUESSES.get(_WORD.sub("", name.lower()), f"customProperties.{_own(name)}" if name else SKIP)
        mapping.append(SKIP if guess in mapping else guess)
    return mapping


def _own(name: str) -> str:
    name = name.removeprefix("customProperties.")
    return name.replace(".", "_")[: clean.MAX_KEY_LENGTH]


def faults_of_mapping(mapping: Sequence[str]) -> list[Fault]:
    """Return what is wrong with a mapping."""
    used = [one for one in mapping if one]
    faults = [
        Fault(one, f'Two columns fill "{one}"; choose one.') for one in sorted({u for u in used if used.count(u) > 1})
    ]
    for one in used:
        own = one.removeprefix("customProperties.")
        wrong = own == one or not own or "." in own or own in PROPERTIES or len(own) > clean.MAX_KEY_LENGTH
        if one not in PROPERTIES and wrong:
            faults.append(Fault(one, f'"{one[:60]}" is no property that a file can fill.'))
    if not {USER_ID, "email", "phone"} & set(used):
        faults.append(Fault("mapping", "One column must hold a user id, an email or a phone number."))
    return faults


def run_import(
    sheet: Sheet, mapping: Sequence[str], *, received_at: datetime, fires: bool = False, name: str = "import"
) -> Report:
    """Import the rows in batches; a row with a fault is reported with its line, the others are stored.

    Importing the same row of the same file again changes nothing; nothing fires unless the caller asks for it.
    """
    if faults := faults_of_mapping(mapping):
        raise refuse(faults[0].path, faults[0].message)
    report = Report(rows=len(sheet.rows))
    types = column_types(sheet, mapping)
    for start in range(0, len(sheet.rows), BATCH):
        rows = sheet.rows[start : start + BATCH]
        take_rows(rows, mapping, types, received_at=received_at, fires=fires, report=report, name=name)
    return report


def column_types(sheet: Sheet, mapping: Sequence[str]) -> list[str | None]:
    """Return for each column the type its cells are read as: of an attribute known, else what every cell reads as."""
    own = [one.removeprefix("customProperties.") if one.startswith("customProperties.") else "" for one in mapping]
    known = dict(Attribute.objects.filter(name__in=own).values_list("name", "type"))
    return [known.get(name) or _type_of_column(sheet, index) if name else None for index, name in enumerate(own)]


def _type_of_column(sheet: Sheet, index: int) -> str | None:
    cells = [cell for _, row in sheet.rows if index < len(row) and (cell := _cell(row[index]))]
    for kind in (AttributeType.NUMBER, AttributeType.BOOLEAN):
        if cells and all(not isinstance(as_type(cell, kind), str) for cell in cells):
            return kind
    return None


def take_rows(
    rows: Sequence[tuple[int, list[str]]],
    mapping: Sequence[str],
    types: Sequence[str | None],
    *,
    received_at: datetime,
    fires: bool,
    report: Report,
    name: str = "import",
) -> None:
    """Take some rows in, and write into the report what became of them."""
    source = Source(name, importing=True, seen=False)
    items: list[tuple[int, dict[str, Any]]] = []
    for line, cells in rows:
        item, fault = read_row(cells, mapping, types)
        if fault:
            report.faults.append((line, fault))
        else:
            items.append((line, item))
    taken = take_in([item for _, item in items], source=source, received_at=received_at, lane=5, fires=fires)
    for (line, _), fault, contact_id in zip(items, taken.faults, taken.contact_ids, strict=True):
        if fault:
            report.faults.append((line, Fault(fault.path.removeprefix("traits."), fault.message)))
        elif contact_id is not None:
            report.contact_ids.append(contact_id)
    report.stored += taken.stored


def read_row(
    cells: Sequence[str], mapping: Sequence[str], types: Sequence[str | None]
) -> tuple[dict[str, Any], Fault | None]:
    """Return one row as an identify call, or its fault; empty cells say nothing."""
    if len(cells) > len(mapping):
        return {}, Fault("row", f"The line has {len(cells)} cells, the header {len(mapping)}. Is a quote missing?")
    item: dict[str, Any] = {"type": "identify", "traits": {}}
    for property_name, kind, cell in zip(mapping, types, cells, strict=False):
        text = _cell(cell)
        if not text or not property_name:
            continue
        if len(text) > MAX_CELL:
            return {}, Fault(property_name, f"The cell has {len(text):,} characters; at most {MAX_CELL:,} are taken.")
        if property_name == USER_ID:
            item["userId"] = text
        elif property_name in CONSENT_CHANNELS:
            if text.lower() not in _TRUE | _FALSE:
                return {}, Fault(property_name, f'Write yes or no, not "{text[:40]}".')
            item["traits"][property_name] = text.lower() in _TRUE
        else:
            item["traits"][property_name.removeprefix("customProperties.")] = as_type(text, kind)
    item["messageId"] = _message_id(item)
    return item, None


def _cell(cell: str) -> str:
    """Return what a cell says: the apostrophe that keeps spreadsheets from calculating is not part of it."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _message_id(item: dict[str, Any]) -> str:
    return sha256(repr(sorted((key, str(value)) for key, value in item.items())).encode()).hexdigest()
