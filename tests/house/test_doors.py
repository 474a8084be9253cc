"""Every address of the house, taken from the URLconf: who may come in, what a visit changes, and the policy of scripts."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RegexPattern

from contacts.models import Change, Contact
from flows.models import Flow
from flows.services import create_flow
from messaging.models import Message, Template
from messaging.services import create_template
from segmentation.models import Segment
from segmentation.services import create_segment
from tests.factories import did, person, put_on
from workspace.audit import HOUSE
from workspace.models import Audit

pytestmark = pytest.mark.django_db

# Doors that answer strangers; behind /v1/ a key is asked for, behind /m/ a signed link.
PUBLIC = ("/healthz", "/readyz", "/metrics", "/account/", "/m/", "/v1/")
LEADING = ("/admin/login/", "/admin/logout/")  # the admin's own way in and out
# Previews read what they are sent; a flow's list of people asks for rights once a person is named; anybody may ask in words.
READING = ("/preview/", "/segments/preview/reach/", "/segments/preview/scenario/", "/people/", "/reviews/ask/")
WORDS = {"str": "1", "slug": "x", "int": "1", "path": "x", "uuid": "00000000-0000-0000-0000-000000000000"}


def addresses(patterns: Any = None, before: str = "/") -> Iterator[tuple[str, bool]]:
    """Yield (path, whether it takes arguments) of every address, arguments filled with what may stand there."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(one.pattern, RegexPattern):
            continue  # the ingest doors, the admin's catch-all and links of allauth, which stand in PUBLIC
        route = str(one.pattern)
        for name, converter in one.pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
            route = route.replace(f"<{kind}:{name}>", WORDS[kind]).replace(f"<{name}>", WORDS[kind])
        if isinstance(one, URLResolver):
            yield from (
                (path, more or bool(one.pattern.converters))
                for path, more in addresses(one.url_patterns, before + route)
            )
        elif isinstance(one, URLPattern):
            yield before + route, bool(one.pattern.converters)


EVERY = sorted(set(addresses()))
CLOSED = sorted({path for path, _ in EVERY if not path.startswith(PUBLIC) and path not in LEADING})
PAGES = [path for path in CLOSED if not path.startswith(("/admin/", "/api/"))]
PLAIN = sorted({path for path, filled in EVERY if not filled and path in CLOSED})


def test_the_matrix_knows_the_pages_of_every_app() -> None:
    names = ["home", "settings", "contacts", "segments", "lists", "flows", "templates", "messages", "events", "mailbox"]
    assert {reverse(name) for name in names} <= set(PAGES)
    assert "/flows/1/nodes/x/" in PAGES
    assert "/api/v1/segments/" in CLOSED


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_sign_in_or_turned_away_everywhere(client: Client, method: str) -> None:
    answers = {path: getattr(client, method)(path) for path in CLOSED}
    assert not [f"{path}: {answer.status_code}" for path, answer in answers.items() if not turned_away(answer)]


def turned_away(answer: Any) -> bool:
    """Tell whether an answer is no more than the way to sign in, or a refusal."""
    if answer.status_code == 302:
        return str(answer["Location"]).startswith(("/account/login/", "/admin/login/"))
    return answer.status_code in (401, 403, 405)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/account/login/", "/admin/login/"])
def test_the_public_doors_answer_a_stranger(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_mailed_door_refuses_a_link_that_was_not_signed_here(client: Client) -> None:
    assert 400 <= client.get("/m/u/forged/").status_code < 500


def test_a_viewer_changes_nothing_by_posting(vic: Client, house: dict[str, str]) -> None:
    """A page that takes no POST may say so, or that its thing is not there."""
    before = rows()
    asked = [path for path in [*PAGES, *house.values()] if not path.endswith(READING)]
    answers = {path: vic.post(path, {"action": "archive", "name": "X"}).status_code for path in asked}
    assert not {path: status for path, status in answers.items() if status not in (403, 404, 405)}
    assert not {path for path in house.values() if answers[path] == 404}
    assert rows() == before


def test_a_viewer_may_look_at_every_page_but_not_write_through_the_api(vic: Client, house: dict[str, str]) -> None:
    for path in ("/contacts/", "/segments/", "/flows/", "/templates/", "/messages/", house["contact"], house["flow"]):
        assert vic.get(path).status_code == 200, path
    for path in ("/api/v1/contacts/", "/api/v1/segments/", "/api/v1/flows/", "/api/v1/keys/"):
        assert vic.post(path, {}, content_type="application/json").status_code == 403, path


def test_looking_changes_nothing(ada: Client, house: dict[str, str]) -> None:
    did(person("Bo"), "Page Viewed")
    before = rows()
    answers = {path: ada.get(path).status_code for path in [*PLAIN, *house.values()]}
    assert not {path: status for path, status in answers.items() if status not in expected(path)}
    assert rows() == before


def expected(path: str) -> tuple[int, ...]:
    """Return what an administrator may be answered: a page, or that this is no page at all."""
    if path.startswith(reverse("segments_preview")):
        return (405,)
    if path == reverse("api_segment_overlap"):
        return (400,)  # it asks for the segments
    if path.startswith("/api/"):
        return (200, 405)  # verbs without an id, such as importing
    if path == "/admin/autocomplete/":
        return (403,)
    return (200, 403) if path.endswith("/add/") and path.startswith("/admin/") else (200,)


def rows() -> tuple[int, ...]:
    """Count what an act would have left behind."""
    return tuple(model.objects.count() for model in (Audit, Change, Message, Contact, Segment, Flow, Template))


def test_pages_run_no_script_that_is_not_ours(ada: Client, house: dict[str, str]) -> None:
    for path in ["/account/login/", *(path for path in PLAIN if path in PAGES), *house.values()]:
        policy = policy_of(ada.get(path))
        assert policy["script-src"] == "'self'", path
        assert policy["object-src"] == "'none'", path
        assert "'unsafe-inline'" not in policy["style-src"], path


def policy_of(answer: Any) -> dict[str, str]:
    """Return the directives of an answer's content security policy."""
    parts = (part.strip() for part in answer["Content-Security-Policy"].split(";"))
    return dict(part.split(" ", 1) for part in parts if part)


@pytest.fixture
def house(db: None) -> dict[str, str]:
    """A contact, a list, a segment, a flow and a template, by the addresses of their pages."""
    anna = person("Anna")
    friends = put_on("friends", anna)
    segment = create_segment(name="Friends", kind="static", actor=HOUSE)
    flow = create_flow(name="Welcome", actor=HOUSE)
    template = create_template(name="Hello", slug="hello", channel="email", subject="Hi", body="<p>Hi</p>", actor=HOUSE)
    return {
        "contact": reverse("contact", args=[anna.pk]),
        "contact_edit": reverse("contact_edit", args=[anna.pk]),
        "list": reverse("list", args=[friends.pk]),
        "segment": reverse("segment", args=[segment.pk]),
        "segment_edit": reverse("segment_edit", args=[segment.pk]),
        "flow": reverse("flow", args=[flow.pk]),
        "template": reverse("template", args=[template.pk]),
        "settings": reverse("settings"),
    }
