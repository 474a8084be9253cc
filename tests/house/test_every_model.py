"""Every model of the back office, filled: lists that cost the same for 3 rows and for 30, pages that open, actions with rights."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.staff import make_groups
from tests.conftest import staff
from tests.house.conftest import signed_in
from tests.house.filling import fill

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
NOBODYS = {"account.EmailAddress", "mfa.Authenticator", "workspace.Workspace"}  # of allauth, and the one row of rules
OTHERS = ("auth", "account", "mfa", "django_celery_beat")  # tables that stay short
DJANGOS_OWN = {
    "account.EmailConfirmation",  # nobody is asked to confirm an address
    "admin.LogEntry",  # our audit says who did what, through pages and API alike
    "auth.Permission",
    "contenttypes.ContentType",
    "django_celery_beat.PeriodicTasks",  # one row: when the table of beat last changed
    "sessions.Session",
}
HOSTILE = ("anna", "9" * 30, "%_'\"", "a\x00b", "con_1", "\U0001f4a9", "-1", "x" * 3000)


def address(model: type[Model], page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def asked_of(client: Client, url: str) -> list[str]:
    """Open a page and return what it asked of the database."""
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200, url
    return [query["sql"] for query in seen.captured_queries]


def counted(asked: list[str], model: type[Model]) -> list[str]:
    """Return the statements that count all rows of a table."""
    if model._meta.app_label in OTHERS:
        return []
    bare = re.compile(rf'^SELECT COUNT\(\*\) AS "__count" FROM "{model._meta.db_table}"$')
    return [sql for sql in asked if bare.match(sql)]


def test_every_model_stands_in_the_back_office() -> None:
    registered = {model._meta.label for model in MODELS}
    missing = {model._meta.label for model in apps.get_models()} - registered
    assert missing == DJANGOS_OWN


def test_every_list_costs_the_same_for_3_rows_and_for_30(ada: Client) -> None:
    fill(3)
    empty = [model._meta.label for model in MODELS if model._default_manager.count() < 3]
    assert set(empty) <= NOBODYS, empty
    few = {model: asked_of(ada, address(model)) for model in MODELS}
    fill(27)
    wrong = []
    for model in MODELS:
        many = asked_of(ada, address(model))
        if len(many) > 10 or len(many) > len(few[model]) or counted(many, model):
            wrong.append(
                f"{model._meta.label}: {len(few[model])} → {len(many)}\n" + "\n".join(sql[:160] for sql in many)
            )
    assert not wrong, "\n".join(wrong)


def test_every_row_opens_every_search_answers_and_every_filter_filters(ada: Client) -> None:
    fill(3)
    wrong = []
    for model in MODELS:
        row = model._default_manager.first()
        urls = [address(model, "change", row.pk)] if row else []
        urls += [f"{address(model)}?{query}" for query in filters_of(model, ada)]
        wrong += [url for url in urls if ada.get(url).status_code != 200]
        for words in HOSTILE:
            answer = ada.get(address(model), {"q": words})
            wrong += [f"{model._meta.label} {words[:20]!r} {answer.status_code}"] if answer.status_code != 200 else []
    assert not wrong, "\n".join(wrong)


def filters_of(model: type[Model], ada: Client) -> list[str]:
    """Return the query of every choice that the filters of a list offer."""
    page = ada.get(address(model))
    found = page.context["cl"].filter_specs
    choices = [choice for spec in found for choice in spec.choices(page.context["cl"]) if "query_string" in choice]
    return [choice["query_string"].removeprefix("?") for choice in choices]


def test_no_row_is_shown_raw(ada: Client) -> None:
    fill(1)
    raw = []
    for model in MODELS:
        text = ada.get(address(model)).content.decode()
        row = model._default_manager.first()
        text += ada.get(address(model, "change", row.pk)).content.decode() if row else ""
        raw += [f"{model._meta.label}: {one}" for one in re.findall(r"\w+ object \(\w+\)", text)]
    assert not raw


def test_an_action_works_with_its_right_and_is_not_offered_without(ada: Client, db: None) -> None:
    make_groups()
    vic = signed_in(staff("vic", "viewer", is_staff=True))
    fill(1)
    for model in MODELS:
        office = admin.site._registry[model]
        row = model._default_manager.first()
        if row is None or model._meta.app_label in OTHERS:
            continue
        for name in actions_of(office, ada):
            sent = {"action": name, "_selected_action": [row.pk]}
            if name == "delete_selected":  # which asks first
                assert ada.post(address(model), sent).status_code == 200, (model, name)
                continue
            before = repr(type(row)._default_manager.filter(pk=row.pk).values())
            vic.post(address(model), sent)
            assert repr(type(row)._default_manager.filter(pk=row.pk).values()) == before, (model, name)
            assert ada.post(address(model), sent).status_code == 302, (model, name)


def actions_of(office: Any, client: Client) -> list[str]:
    """Return the actions that somebody is offered."""
    request = RequestFactory().get("/")
    request.user = client.get("/admin/").context["user"]
    return list(office.get_actions(request))
