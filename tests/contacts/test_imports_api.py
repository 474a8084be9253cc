"""Files of contacts over the API, and the work that they become."""

import json
from typing import Any

import pytest
from django.test import Client

from contacts import importing, working
from contacts.csv_import import read_sheet
from contacts.examples import EXAMPLES
from contacts.models import Contact, ListMember
from tests.conftest import staff
from tests.factories import put_on
from workspace.audit import HOUSE
from workspace.models import Audit, Job

pytestmark = pytest.mark.django_db
PEOPLE = "E-mail,First name,Plan\nann@example.com,Ann,pro\nbo@example.com,Bo,free\nnobody,Cy,free\n"


@pytest.fixture
def call(manage_key: str) -> Any:
    """Ask the API with a key that may write."""
    client = Client(headers={"Authorization": f"Bearer {manage_key}"})

    def ask(method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str) -> Any:
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return client.generic(method, f"/api/v1/{path}", sent, content_type=content_type, headers=headers)

    return ask


def test_a_program_sends_a_file_looks_at_its_columns_and_brings_it(call: Any) -> None:
    put_on("testers")
    sent = call("POST", "imports/", {"name": "new.csv", "csv": PEOPLE, "mapping": {"Plan": "customProperties.tier"}})
    assert sent.status_code == 201, sent.content
    preview = sent.json()
    assert (preview["status"], preview["job"], preview["rows"], preview["name"]) == ("preview", None, 3, "new.csv")
    assert {one["name"]: one["property"] for one in preview["columns"]} == {
        "E-mail": "email", "First name": "firstName", "Plan": "customProperties.tier",
    }  # fmt: skip
    assert preview["columns"][0]["examples"] == ["ann@example.com", "bo@example.com", "nobody"]
    assert not Contact.objects.exists()

    answer = call("POST", f"imports/{preview['id']}/run/", {"mapping": {"First name": None}, "list": "testers"})
    assert answer.status_code == 202, answer.content
    begun = answer.json()
    assert (begun["status"], begun["done"]) == ("done", 3)
    ann = Contact.objects.get(email="ann@example.com")
    assert (ann.first_name, ann.attributes) == ("", {"tier": "pro"})
    assert ListMember.objects.filter(list__slug="testers").count() == 2
    assert {name: begun["report"][name] for name in ("rows", "stored", "refused")} == {
        "rows": 3, "stored": 2, "refused": 1,
    }  # fmt: skip

    report = call("GET", f"imports/{preview['id']}/report/").json()
    assert [(one["line"], one["path"]) for one in report["faults"]] == [(4, "email")]
    job = call("GET", f"jobs/{begun['job']}/").json()
    assert (job["kind"], job["status"], job["done"], job["total"]) == ("import", "done", 3, 3)
    assert job["result"]["stored"] == 2
    assert "ann@example.com" not in json.dumps(job)


def test_a_larger_file_is_sent_as_it_is(call: Any) -> None:
    people = "id,note\n" + "".join(f"u{n},{'x' * 700}\n" for n in range(2500))
    sent = call("POST", "imports/?name=big.csv", people.encode(), content_type="text/csv")
    assert sent.status_code == 201, sent.content
    assert (sent.json()["name"], sent.json()["rows"]) == ("big.csv", 2500)
    begun = call("POST", f"imports/{sent.json()['id']}/run/", {}).json()
    assert (begun["status"], begun["done"]) == ("waiting", 0)
    working.work()
    job = call("GET", f"jobs/{begun['job']}/").json()
    assert (job["status"], job["done"], job["can_be_cancelled"]) == ("done", 2500, False)


def test_work_is_stopped_by_its_job_or_by_the_import_and_keeps_what_it_did(call: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    for where in ("jobs/job_{}/cancel/", "imports/imp_{}/cancel/"):
        job = importing.keep("x.csv", read_sheet(f"id\n{where}1\n{where}2\n{where}3\n{where}4\n".encode()), HOUSE)
        importing.begin(job, ["userId"], into=None, fires=False, actor=HOUSE)
        working._step(job.pk)
        answer = call("POST", where.format(job.pk))
        assert answer.status_code in (200, 202), answer.content
        working.finish(job.pk)
        left = call("GET", f"jobs/{job.pk}/").json()
        assert (left["status"], left["done"], left["cancel_requested"]) == ("cancelled", 2, True)
        assert call("POST", where.format(job.pk)).status_code == 409


def test_a_file_is_brought_once_and_a_preview_can_be_dropped(call: Any) -> None:
    first, second = (call("POST", "imports/", {"csv": PEOPLE}).json()["id"] for _ in range(2))
    assert call("POST", f"imports/{first}/run/", {}).status_code == 202
    assert call("POST", f"imports/{first}/run/", {}).status_code == 409
    assert call("DELETE", f"imports/{first}/").status_code == 409
    assert call("GET", f"imports/{second}/report/").status_code == 409
    assert call("POST", f"imports/{second}/cancel/").status_code == 409
    assert call("DELETE", f"imports/{second}/").status_code == 204
    assert call("GET", f"imports/{second}/").status_code == 404
    assert [one["id"] for one in call("GET", "imports/").json()["results"]] == [first]


def test_the_same_call_again_brings_nothing_twice(call: Any) -> None:
    one, other = (call("POST", "imports/", {"csv": PEOPLE}, **{"Idempotency-Key": "k1"}).json() for _ in range(2))
    assert one["id"] == other["id"]
    again = [call("POST", f"imports/{one['id']}/run/", {}, **{"Idempotency-Key": "k2"}) for _ in range(2)]
    assert [answer.status_code for answer in again] == [202, 202]
    assert Audit.objects.filter(verb="contacts.imported").count() == 1


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ({}, "csv", "required"),
        ({"csv": ""}, "csv", "blank"),
        ({"csv": "id\n"}, "file", "no contacts"),
        ({"csv": PEOPLE, "columns": []}, "columns", "no such property"),
        ({"csv": PEOPLE, "mapping": {"Mail": "email"}}, "mapping.Mail", "no such column"),
        ({"csv": PEOPLE, "mapping": {"Plan": "plan"}}, "mapping.Plan", "no property that a file can fill"),
        ({"csv": PEOPLE, "mapping": {"E-mail": None}}, "mapping", "user id, an email or a phone"),
        ({"csv": PEOPLE, "mapping": {"Plan": "email"}}, "mapping.E-mail", "Two columns"),
        ({"csv": PEOPLE, "mapping": "email"}, "mapping", "dictionary"),
    ],
)
def test_a_call_that_cannot_be_done_names_the_place_and_leaves_no_preview_behind(
    call: Any, body: Any, path: str, words: str
) -> None:
    answer = call("POST", "imports/", body)
    assert answer.status_code in (400, 413)
    assert answer["Content-Type"] == "application/problem+json"
    fault = answer.json()["errors"][0]
    assert fault["path"] == path
    assert words in fault["message"]
    assert not Job.objects.exists()


def test_a_list_that_is_not_there_is_named_and_nothing_is_brought(call: Any) -> None:
    made = call("POST", "imports/", {"csv": PEOPLE}).json()
    answer = call("POST", f"imports/{made['id']}/run/", {"list": "gone"})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "list")
    assert not Contact.objects.exists()


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"PK\x03\x04\xff", b"id\n1\x00\n", b"id\n" + b"1\n" * 10_001])
def test_bytes_that_are_no_file_are_refused_as_a_problem(call: Any, raw: bytes) -> None:
    answer = call("POST", "imports/", raw, content_type="text/csv")
    assert answer.status_code in (400, 413), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_lists_of_work_are_paged_and_chosen_and_say_nothing_of_what_was_asked(call: Any) -> None:
    call("POST", "imports/", {"csv": PEOPLE})
    for n in range(3):
        Job.objects.create(kind="attribute.type", request={"name": f"secret {n}"}, total=9)
    page = call("GET", "jobs/?limit=2&status=waiting").json()
    assert [one["kind"] for one in page["results"]] == ["attribute.type", "attribute.type"]
    assert page["next"]
    assert "secret" not in json.dumps(page)
    assert call("GET", "jobs/?kind=import").json()["results"] == []
    wrong = call("GET", "jobs/?status=late")
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (400, "?status")
    previews = Job.objects.get(kind="import.file")
    assert call("GET", f"jobs/{previews.pk}/").status_code == 404


def test_only_who_may_do_the_work_stops_it(client: Client, read_key: str) -> None:
    job = Job.objects.create(kind="flows.enrol_members", request={"flow": 1})
    assert client.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code in (401, 403)
    assert (
        client.post(f"/api/v1/jobs/{job.pk}/cancel/", headers={"Authorization": f"Bearer {read_key}"}).status_code
        == 403
    )
    client.force_login(staff("vic", "viewer"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert (job.status, job.cancel_requested) == ("waiting", False)


def test_the_examples_of_the_document_work(call: Any) -> None:
    put_on("beta-testers")
    made = call("POST", "imports/", EXAMPLES["POST imports/"])
    assert made.status_code == 201, made.content
    answer = call("POST", f"imports/{made.json()['id']}/run/", EXAMPLES["POST imports/{ref}/run/"])
    assert answer.status_code == 202, answer.content
    assert answer.json()["report"]["stored"] == 2
