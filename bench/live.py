"""Live: from the moment an event is posted until a number changes on an open page, with Valkey running and frozen."""

import json
import os
import shutil
import signal
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, sync_playwright

from bench.latency import prepare
from bench.measure import Row, centile
from bench.servers import Web
from segmentation.models import Segment

PATIENCE_MS = 20_000
SIZE = "[data-number=size]"


def run_live(web: Web, singles: int) -> Row:
    """Watch the size of a segment on its page while contacts enter it one by one."""
    prepare()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        return Row(f"live, {singles} events → number on an open page", "not measured: no Chromium", "<= 2 s")
    with opened(web, program) as page:
        running = told(page, "live", [change(web, page, f"a{n}") for n in range(singles)])
        with frozen(int(os.environ["VALKEY_PID"])):
            page.wait_for_selector("html[data-live-state=polling]")
            silent = told(page, "polling", [change(web, page, f"b{n}") for n in range(singles)])
        page.wait_for_selector("html[data-live-state=live]")
    return Row(f"live, {singles} events → number on an open page", f"{running}; Valkey frozen: {silent}", "<= 2 s")


def told(page: Page, state: str, waits: list[float]) -> str:
    """Put the waits into words, once the page itself has said in which state it was."""
    assert page.evaluate("document.documentElement.dataset.liveState") == state
    return f"p50 {1000 * centile(waits, 0.5):.0f} ms, p95 {1000 * centile(waits, 0.95):.0f} ms"


@contextmanager
def opened(web: Web, program: str) -> Iterator[Page]:
    """Open the segment's page in Chromium, signed in, and wait until it is live."""
    person, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    url = f"http://localhost:{web.port}"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        context = browser.new_context()
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url + reverse("segment", args=[Segment.objects.get(slug="bench-d").pk]))
        page.wait_for_selector("html[data-live-state=live]")
        yield page
        browser.close()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process for the time of the block, as a machine that hangs does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def change(web: Web, page: Page, who: str) -> float:
    """Post one event and return the seconds until the number on the page is another."""
    before = page.inner_text(SIZE)
    call = json.dumps({"userId": f"live-{who}", "event": "signed_up", "messageId": f"{who}-{time.time_ns()}"}).encode()
    headers = {
        "Authorization": f"Basic {b64encode(f'{web.key}:'.encode()).decode()}",
        "Content-Type": "application/json",
    }
    start = time.perf_counter()
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{web.port}/v1/track", call, headers)).read()
    page.wait_for_function(f"before => document.querySelector('{SIZE}').innerText !== before", arg=before, polling=20)
    return time.perf_counter() - start
