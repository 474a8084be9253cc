"""What all tests share: people of the staff, keys, a real browser, and axe."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import keeping
from workspace.audit import HOUSE
from workspace.keys import make_key
from workspace.models import Workspace

# Playwright's synchronous door runs a loop in this thread; Django would take it for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# Stories about every model are made out of what is registered, before any test reads the addresses that discover it.
admin.autodiscover()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know --nightly: the long stories in full length."""
    parser.addoption("--nightly", action="store_true", help="the long stories in full length")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the reports that the long stories kept."""
    for name, report in keeping.written_by_this_run().items():
        terminalreporter.section(f"{name} (kept in var/reports/{name}.txt)")
        terminalreporter.write(report)


AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE = 60_000  # a busy machine is slow, and no test says how quick a page is; what is wrong is waited for this long
expect.set_options(timeout=PATIENCE)


@pytest.fixture(autouse=True)
def _the_workspace_stands(request: pytest.FixtureRequest) -> None:
    """Tests that empty all tables when they end take the one Workspace row with them, from this run or one before: put it back."""
    asked = set(request.fixturenames)
    if {"transactional_db", "live_server"} & asked:
        request.getfixturevalue("transactional_db")
    elif "db" in asked or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
    else:
        return
    Workspace.objects.get_or_create(pk=1)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """What one test counted is not another's: the process's cache starts empty."""
    cache.clear()


def staff(name: str, *groups: str, **rights: Any) -> Any:
    """Make a person of the staff in these groups."""
    person = get_user_model().objects.create_user(name, f"{name}@example.com", "waterwheel-91", **rights)
    person.groups.set(Group.objects.filter(name__in=groups))
    return person


@pytest.fixture
def marketer(db: None) -> Any:
    """Mia, who makes segments, flows and templates but may not start sending."""
    group, _ = Group.objects.get_or_create(name="marketer")
    if not group.permissions.exists():
        apps = ["contacts", "segmentation", "messaging", "flows"]
        group.permissions.set(Permission.objects.filter(content_type__app_label__in=apps).exclude(codename="run_flow"))
    return staff("mia", "marketer")


@pytest.fixture
def viewer(db: None) -> Any:
    """Vic, who only looks."""
    return staff("vic", "viewer")


@pytest.fixture
def admin_user(db: None) -> Any:
    """Ada, who may do everything."""
    return staff("ada", is_staff=True, is_superuser=True)


@pytest.fixture
def manage_key(db: None) -> str:
    """Return the secret of a key that may write."""
    return make_key(name="Tests", scope="manage", actor=HOUSE)[1]


@pytest.fixture
def read_key(db: None) -> str:
    """Return the secret of a key that may only read."""
    return make_key(name="Tests", scope="read", actor=HOUSE)[1]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium once."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if os.environ.get("TRIBUTARY_NO_BROWSER") or program is None:
        warnings.warn("BROWSER TESTS SKIPPED: there is no Chromium here. Install the package chromium.", stacklevel=1)
        pytest.skip("no Chromium (or TRIBUTARY_NO_BROWSER is set)")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page: open_page(user=None, scheme="light", viewport=WIDE); errors of scripts fail the test."""
    contexts, errors = [], []

    def open_one(user: Any = None, scheme: Any = "light", viewport: Any = WIDE) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, color_scheme=scheme, viewport=viewport, reduced_motion="reduce"
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
            context.add_cookies(
                [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
            )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture
def browser_page(open_page: Callable[..., Page]) -> Page:
    """Return a page of a visitor nobody knows."""
    return open_page()


@pytest.fixture
def signed_in_page(open_page: Callable[..., Page], admin_user: Any) -> Page:
    """Return a page on which Ada has signed in."""
    return open_page(admin_user)


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Give a function that asserts that axe finds nothing wrong on a page: axe(page)."""

    def look(page: Page, scope: str = "document") -> None:
        # evaluated by the debugger, which the page's content security policy does not bind
        page.evaluate(AXE.read_text())
        found = page.evaluate(
            f"axe.run({scope}).then(r => r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html)]))"
        )
        assert not found, "\n".join(f"{rule}: {words}\n   {nodes}" for rule, words, nodes in found)

    return look
