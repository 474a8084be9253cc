"""What a newcomer is promised: draw three nodes, by mouse or by keyboard, activate, call, and watch the contact arrive.

A real worker walks, a real mail catcher takes the mail, and the call is the README's own curl.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from config.launcher.home import free_port
from config.launcher.product import QUEUES
from flows import drafts
from flows.models import Flow
from messaging.defaults import ensure_defaults
from workspace.audit import HOUSE
from workspace.keys import make_key

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PROJECT = Path(__file__).resolve().parents[2]
WORKER = ["-m", "celery", "-A", "config", "worker", "-Q", QUEUES, "-P", "solo", "--without-gossip", "--without-mingle"]


@contextmanager
def running(log: Path, env: dict[str, str], *command: str) -> Iterator[None]:
    """Let one of the product's own processes run beside the test."""
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *command], cwd=PROJECT, env=env, stdout=out, stderr=out)
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def house(live_server: Any, settings: Any, tmp_path: Path) -> Iterator[str]:
    """A worker and a mail catcher on the test's own database; returns where the web answers."""
    settings.MAILBOX = True
    port = free_port()
    base = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    env = {
        **os.environ,
        "DATABASE_URL": urlunsplit(base),
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "MAILBOX": "1",
        "POOL": "0",
    }
    catcher = ("manage.py", "mailcatcher", "--port", str(port))
    with running(tmp_path / "catcher.log", env, *catcher), running(tmp_path / "worker.log", env, *WORKER):
        yield live_server.url


@pytest.fixture
def guest(open_page: Callable[..., Page], admin_user: Any, house: str, templates: None) -> Page:
    """Ada signs in with her password, as anybody does."""
    ensure_defaults()
    page = open_page()
    page.goto("/")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("waterwheel-91")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    return page


def call_of_the_readme(url: str) -> None:
    """Send the README's curl to this server, with a key of its own, as a shell would."""
    text = (PROJECT / "README.md").read_text()
    found = re.search(r"^(curl -u .*?)^```", text, re.DOTALL | re.MULTILINE)
    assert found, "The README shows no curl."
    key = make_key(name="Shop", scope="ingest", actor=HOUSE)[1]
    call = found[1].replace("http://localhost:8000", url).strip()
    answer = subprocess.run(
        ["/bin/sh", "-c", f"{call} -sS --fail-with-body"],
        env={**os.environ, "KEY": key, "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def arrives(page: Page, url: str) -> None:
    """Call, and watch on the open canvas how the contact comes to the end; then read their page and their mail."""
    call_of_the_readme(url)
    expect(page.locator("#flow-totals [data-number=completed]")).to_have_text("1")
    page.goto("/contacts/?q=cdnow-00001")
    page.get_by_role("row").filter(has_text="cdnow-00001").get_by_role("link").click()
    expect(page.get_by_text("greeted")).to_be_visible()
    expect(page.get_by_text("Order Completed")).to_be_visible()
    page.goto("/mailbox/")
    row = page.get_by_role("row").filter(has_text="Welcome")
    expect(row).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()


def drawn_kinds() -> list[str]:
    """Return the kinds along the way of the one flow there is."""
    graph = drafts.load(Flow.objects.get())
    node, kinds = graph.trigger, []
    while node is not None:
        kinds.append(node.kind)
        node = next((graph.nodes[to] for _, to in graph.out(node.key)), None)
    return kinds


def known(url: str) -> None:
    """The shop has told of its customer before, so that there is an address to write to."""
    key = make_key(name="Shop before", scope="ingest", actor=HOUSE)[1]
    body = '{"userId": "cdnow-00001", "traits": {"email": "jada@example.com", "firstName": "Jada"}}'
    command = ["curl", "-sS", "--fail", "--noproxy", "*", "-u", f"{key}:", "-H", "Content-Type: application/json"]
    subprocess.run([*command, "-d", body, f"{url}/v1/identify"], check=True, capture_output=True)


def test_a_newcomer_draws_three_nodes_with_the_mouse_and_watches_the_contact_arrive(guest: Page, house: str) -> None:
    known(house)
    page = guest
    page.get_by_role("link", name="Flows", exact=True).click()
    page.get_by_role("button", name="Create Flow").first.click()
    page.get_by_label("Name", exact=True).fill("Thank you")
    page.locator("#triggers").get_by_text("Event", exact=True).click()
    page.get_by_role("button", name="OK").click()

    page.get_by_label("Event", exact=True).fill("Order Completed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-form")).to_have_count(0)
    expect(page.locator("#board")).to_contain_text("Order Completed")
    page.drag_and_drop(".palette-item[data-kind=send_email]", "#board .slot.is-first")
    page.get_by_label("Template", exact=True).select_option(label="Welcome")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-form")).to_have_count(0)
    page.drag_and_drop(".palette-item[data-kind=update_contact]", "#slot-send-email-1-next")
    page.get_by_label("Attribute").fill("greeted")
    page.get_by_label("Value").fill("yes")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-form")).to_have_count(0)

    page.get_by_role("button", name="Activate").click()
    page.locator("#flow-dialog").get_by_role("button", name="Activate").click()
    expect(page.locator("#flow-head .pill")).to_have_text("Running")
    assert drawn_kinds() == ["event", "send_email", "update_contact"]
    arrives(page, house)


def tab_to(page: Page, target: Any, most: int) -> None:
    """Press Tab until the focus is there; further than `most` is too far."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"{target} is more than {most} tabs away")


def test_a_newcomer_does_the_same_with_the_keyboard_alone(guest: Page, house: str) -> None:
    known(house)
    page = guest
    press, write, focused = page.keyboard.press, page.keyboard.type, page.locator(":focus")
    tab_to(page, page.get_by_role("link", name="Flows", exact=True), 10)
    press("Enter")
    expect(page.get_by_role("heading", name="Flows", exact=True)).to_be_visible()
    press("Tab")
    press("Enter")  # skip to content
    tab_to(page, page.get_by_role("button", name="Create Flow").first, 2)
    press("Enter")
    expect(focused).to_have_id("new-flow-name")
    write("Thank you")
    press("Tab")
    write("event")
    press("Enter")

    expect(focused).to_have_id("set-event_name")
    write("Order Completed")
    press("Control+Enter")
    expect(focused).to_have_id("card-event-1")
    press("a")
    write("email")
    press("Enter")
    expect(focused).to_have_id("set-template")
    write("Welcome")
    press("Control+Enter")
    expect(focused).to_have_id("card-send-email-1")
    press("a")
    write("update")
    press("Enter")
    expect(focused).to_have_attribute("aria-label", "Attribute")
    write("greeted")
    tab_to(page, page.get_by_label("Value"), 4)
    press("Enter")
    expect(page.locator("#set-changes-errors")).to_contain_text("Say what greeted becomes")
    page.get_by_label("Value").focus()
    write("yes")
    press("Enter")
    expect(focused).to_have_id("card-update-contact-1")

    press("h")
    expect(focused).to_have_text("Activate")
    press("Enter")
    expect(page.locator("#flow-dialog")).to_be_visible()
    tab_to(page, page.locator("#flow-dialog").get_by_role("button", name="Cancel"), 5)
    press("Enter")
    expect(focused).to_have_text("Activate")
    press("Enter")
    expect(page.locator("#flow-dialog")).to_be_visible()
    tab_to(page, page.locator("#flow-dialog").get_by_role("button", name="Activate"), 6)
    press("Enter")
    expect(page.locator("#flow-head .pill")).to_have_text("Running")
    assert page.evaluate("document.activeElement !== document.body"), "the focus fell off the page"
    assert drawn_kinds() == ["event", "send_email", "update_contact"]
    arrives(page, house)
