"""A later start prepares nothing, unless the base or the code is not what the last one left."""

from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection

from config.launcher import base
from config.staff import make_groups

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def url() -> str:
    """Where the tests' base is, for a launcher that knows no Django; a base with groups, as bootstrap leaves it."""
    make_groups()
    about = connection.settings_dict
    place = f"{about['USER']}:{about['PASSWORD']}@{about['HOST']}:{about['PORT'] or 5432}"
    return f"postgres://{place}/{about['NAME']}"


def prepared(url: str) -> str:
    """What the base says of itself."""
    found = base.look(url)
    assert found is not None
    return str(found["made"])


def test_a_base_says_the_same_until_something_of_it_is_gone(url: str) -> None:
    before = prepared(url)
    assert prepared(url) == before
    Group.objects.get(name="viewer").delete()
    assert prepared(url) != before
    make_groups()
    assert prepared(url) != ""


def test_a_base_that_is_behind_on_migrations_says_something_else(url: str) -> None:
    before = prepared(url)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('flows', '9999_future', now())")
        try:
            assert prepared(url) != before
        finally:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_future'")
    assert prepared(url) == before


def test_an_empty_base_and_one_that_is_away_say_nothing(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as direct:
        direct.execute("DROP DATABASE IF EXISTS tributary_empty_look")
        direct.execute("CREATE DATABASE tributary_empty_look")
        try:
            assert base.look(url.rpartition("/")[0] + "/tributary_empty_look") is None
        finally:
            direct.execute("DROP DATABASE tributary_empty_look")
    assert base.look("postgres://nobody:x@127.0.0.1:9/none") is None
    assert base.look("not a url") is None


def test_other_code_is_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.lock").write_text("django==5.2.1\n")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "models.py").write_text("A = 1\n")
    monkeypatch.setattr(base, "PROJECT", tmp_path)
    before = base.digest_of_code()
    assert base.digest_of_code() == before
    (tmp_path / "flows" / "models.py").write_text("A = 2\n")
    assert base.digest_of_code() != before
