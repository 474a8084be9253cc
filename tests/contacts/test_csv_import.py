"""Bringing people in with a file."""

import pytest

from contacts.csv_import import Report, guess_mapping, read_sheet, run_import
from contacts.models import Change, Consent, Contact, Read
from tests.contacts.conftest import NOON
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


def bring(text: str | bytes, fires: bool = False) -> Report:
    sheet = read_sheet(text if isinstance(text, bytes) else text.encode())
    return run_import(sheet, guess_mapping(sheet.header), received_at=NOON, fires=fires)


def test_a_file_brings_contacts_with_standard_and_own_attributes() -> None:
    report = bring("\ufeffUser ID,E-mail,First name,Plan,Subscribed\nann,ann@example.com,Ann,pro,yes\n\nbo,,Bo,,no\n")
    assert (report.rows, report.stored, report.faults) == (2, 2, [])
    ann = Contact.objects.get(user_id="ann")
    assert (ann.email, ann.first_name, ann.attributes) == ("ann@example.com", "Ann", {"Plan": "pro"})
    assert sorted(Consent.objects.values_list("status", flat=True)) == ["subscribed", "unsubscribed"]


def test_bad_rows_are_reported_with_their_line_and_the_others_stored() -> None:
    report = bring('id,email,note\nann,nobody,"two\nlines"\nbo,bo@example.com,ok\ncy,cy@example.com,a,b\n,,alone\n')
    assert [(line, fault.path) for line, fault in report.faults] == [(5, "row"), (2, "email"), (6, "userId")]
    assert Contact.objects.get().user_id == "bo"


def test_the_same_file_again_changes_nothing() -> None:
    bring("id,plan\nann,pro\n")
    assert bring("id,plan\nann,pro\n").stored == 0


def test_an_import_fires_only_if_it_says_so() -> None:
    Read.objects.create(fact="contact", stage=1, reader="rule:1")
    bring("id\nann\n")
    bring("id\nbo\n", fires=True)
    assert list(Change.objects.order_by("id").values_list("fires", "lane")) == [(False, 5), (True, 5)]


def test_semicolons_windows_letters_and_formulas_are_read_as_what_they_say() -> None:
    bring("id;city;note\n1;Köln;'=1+1\n".encode("cp1252"))
    one = Contact.objects.get()
    assert (one.city, one.attributes) == ("Köln", {"note": "=1+1"})


def test_columns_of_numbers_are_numbers_unless_one_cell_is_not() -> None:
    bring("id,name,age,zip\n1,Ann Lee,42,01234\n2,Bo,7,99999\n")
    ann = Contact.objects.get(user_id="1")
    assert (ann.first_name, ann.last_name, ann.attributes) == ("Ann", "Lee", {"age": 42, "zip": "01234"})


def test_ids_are_found_by_email_when_there_is_no_user_id_column() -> None:
    bring("email,plan\nann@example.com,a\n")
    bring("email,plan\nANN@example.com,b\n")
    assert Contact.objects.get().attributes == {"plan": "b"}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"id,ID\n1,2\n", "Two columns"),
        (b"id\n", "no contacts"),
        (b"id,n\n1,a\x00b\n", "Line 2 has a NUL"),
        (b'id,n\n1,"open\n2,b\n', "quote"),
        (b"PK\x03\x04\xff\xff", "spreadsheet"),
        (b"city\nRome\n", "user id, an email or a phone"),
        (b",".join(b"c%d" % n for n in range(300)) + b"\n1\n", "columns"),
        (b"id,n\n1," + b"x" * 200_000 + b"\n", "field larger"),
        (b"id\n" + b"1\n" * 10_001, "10,000"),
        (b"\n\n\n", "empty"),
        (b"\xff\xfe\x00", "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(raw: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        bring(raw)
    assert not Contact.objects.exists()
