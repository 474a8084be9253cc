"""`start`: from nothing to an address to sign in at, and back to nothing on Ctrl-C."""

import json
import os
import shutil
import time
import urllib.error
import urllib.request
from argparse import Namespace
from datetime import datetime
from typing import Any

from config.launcher.errors import StartError, StopRequested
from config.launcher.home import Home, free_port, is_free, open_home, tail, write_private
from config.launcher.processes import Supervisor
from config.launcher.product import Product
from config.launcher.progress import complain, long_step, say, step
from config.launcher.services import keep_watch, start_postgres, start_valkey, supervised

CREDENTIALS = ("admin_email", "admin_password", "manage_key", "ingest_key")
PATIENCE = 90.0
LEAST_FREE = 200  # MB: a new cluster takes 60, its first tables and logs some more


def main(options: Namespace) -> int:
    """Start everything, say how to sign in, and stay until stopped."""
    home = open_home()
    began = time.monotonic()
    with supervised(home) as supervisor:
        try:
            home.started_file.unlink(missing_ok=True)  # scripts wait for it: it must never tell of an earlier start
            product = bring_up(supervisor, home, options)
            announce(product, began)
            keep_watch(supervisor)
        except StopRequested:
            say("\nStopping ...")
    return 0


def bring_up(supervisor: Supervisor, home: Home, options: Namespace) -> Product:
    """Every step of a start, in its order."""
    refuse_taken_port(options.host, options.port)
    refuse_full_disk(home)
    say(f"Tributary starts, with its data in {home.path}")
    database_url = os.environ.get("DATABASE_URL") or start_postgres(supervisor, home, step=step)[0]
    redis_url = os.environ.get("REDIS_URL") or start_valkey(supervisor, home, step=step)[0]
    mail_port = None if os.environ.get("EMAIL_URL") else home.port("mail_port")
    product = Product(home, options.host, options.port, database_url, redis_url, mail_port)
    last_tick = make_ready(supervisor, product, wants_demo=not options.no_demo)
    start_processes(supervisor, product, last_tick)
    if product.known().get("demo_wanted"):
        load_demo(supervisor, product)
    return product


def refuse_taken_port(host: str, port: int) -> None:
    """Say at once, and with the mend, that we cannot listen there."""
    if not 0 < port < 65536:
        raise StartError(f"PORT must be a number from 1 to 65535, not {port}.")
    mend = f"choose another port: PORT={free_port()} bin/start (or bin/start --port ...)."
    if port < 1024 and os.geteuid() != 0 and not is_free(host, port):
        raise StartError(f"Port {port} is taken, or only root may open it; {mend}")
    if not is_free(host, port):
        raise StartError(f"Port {port} is taken by another program. Stop that one, or {mend}")


def refuse_full_disk(home: Home) -> None:
    """Say so before a database breaks off half-way."""
    free = shutil.disk_usage(home.path).free // 1_000_000
    if free < LEAST_FREE:
        raise StartError(
            f"Only {free} MB are free on the disk of {home.path}, and a start needs {LEAST_FREE} MB. "
            "Make room, or set TRIBUTARY_HOME to a folder on another disk."
        )


def make_ready(supervisor: Supervisor, product: Product, *, wants_demo: bool) -> datetime | None:
    """Prepare the base, unless it is just as this code left it; when work was last looked for in it."""
    prepared, last_tick = look(supervisor, product)
    if prepared is None or prepared != product.known().get("prepared"):
        prepare_base(supervisor, product)
        product.remember(prepared=look(supervisor, product)[0])
    if not wants_demo:
        product.remember(demo_wanted=False)
    return last_tick


def look(supervisor: Supervisor, product: Product) -> tuple[str | None, datetime | None]:
    """What code and base are now, as one word, and the last tick; nothing when the base has no tables yet."""
    lines: list[str] = []
    supervisor.follow(product.look(), lines.append)
    answer = json.loads(lines[-1]) if lines else {}
    if not answer.get("base"):
        return None, None
    ticked = answer["base"]["last_tick"]
    return f"{answer['code']} {answer['base']['made']}", datetime.fromisoformat(ticked) if ticked else None


def prepare_base(supervisor: Supervisor, product: Product) -> None:
    """Migrate; on a new base an administrator and the first keys are made, and remembered."""
    (product.home.path / "static").mkdir(exist_ok=True)  # STATIC_ROOT; whitenoise finds the files where they lie
    program = product.command("bootstrap")
    lines: list[str] = []
    with step("Tables, administrator and keys"):
        code = supervisor.follow(program, lines.append)
    if code:
        raise StartError(f"The base could not be prepared. The end of {program.log}:\n{tail(program.log, 25)}")
    answer = read_answer(lines)
    if answer.get("new"):
        product.remember(demo_wanted=True, **{name: answer.get(name) for name in CREDENTIALS})


def read_answer(lines: list[str]) -> dict[str, Any]:
    """The JSON object among the last lines of `manage.py bootstrap`."""
    for line in reversed(lines):
        if line.startswith("{"):
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise StartError("manage.py bootstrap said nothing about the base; its last words: " + " ".join(lines[-3:]))


def start_processes(supervisor: Supervisor, product: Product, last_tick: datetime | None) -> None:
    """Mail catcher, worker, beat and web together, and wait until all are well; they stop in the reverse order.

    The syncer begins when they stand: nobody waits for it, and each process costs the others seconds of a start.
    """
    programs = [product.worker(), product.beat(), product.web()]
    if product.mail_port:
        programs.insert(0, product.catcher())
    with step("Web, worker, beat" + (" and mailbox" if product.mail_port else "")):
        for program in programs:
            supervisor.start(program)
        wait_until_well(supervisor, product, last_tick)
    supervisor.start(product.syncer())


def wait_until_well(supervisor: Supervisor, product: Product, last_tick: datetime | None) -> None:
    """Until /readyz answers well and work has been looked for anew; a process that ends meanwhile says so at once."""
    deadline = time.monotonic() + PATIENCE
    while not (health := ask(product, last_tick))[0]:
        for running in supervisor.running:
            if running.has_ended():
                name, log = running.program.name, running.program.log
                raise StartError(f"{name} ended while starting. The end of {log}:\n{tail(log, 25)}")
        if time.monotonic() > deadline:
            raise StartError(
                f"Not well after {PATIENCE:.0f} s: {health[1]}. The logs lie in {product.home.path / 'logs'}."
            )
        time.sleep(0.05)


def ask(product: Product, last_tick: datetime | None) -> tuple[bool, str]:
    """Whether /readyz answers 200 and tells of a later tick than this one; and what it said."""
    host = "127.0.0.1" if product.host in ("0.0.0.0", "localhost", "::") else product.host  # noqa: S104 - compared
    request = urllib.request.Request(f"http://{host}:{product.port}/readyz", headers={"X-Forwarded-Proto": "https"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy of the environment
    try:
        with opener.open(request, timeout=5) as answer:
            body = answer.read(10_000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return False, f"/readyz answers {error.code}: {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return False, f"/readyz cannot be reached ({error})"
    return tells_of_work(body, last_tick), body


def tells_of_work(body: str, last_tick: datetime | None) -> bool:
    """Whether the worker is alive by a tick of this start: one of the start before says nothing."""
    answer = json.loads(body)
    ticked = answer.get("last_tick")
    return bool(answer.get("worker") and ticked and (last_tick is None or datetime.fromisoformat(ticked) > last_tick))


def load_demo(supervisor: Supervisor, product: Product) -> None:
    """Load the demo's purchases; one that was interrupted is taken up at the next start."""

    def hear(line: str) -> None:
        tell(line)
        supervisor.watch(complain)

    program = product.command("demo", "--load", LOG_LEVEL="WARNING")  # its lines are shown as progress
    with long_step("Demo: real purchases of 1997-98, moved to today") as tell:
        code = supervisor.follow(program, hear)
    if code:
        complain(f"The demo could not be loaded; the rest works. The end of {program.log}:\n{tail(program.log)}")
        return
    product.remember(demo_wanted=False)


def announce(product: Product, began: float) -> None:
    """Write started.json and tell the person where to go."""
    known = product.known()
    facts = {"url": product.url, **{name: known.get(name) for name in CREDENTIALS}}
    write_private(product.home.started_file, facts)
    say(f"\nTributary is ready after {time.monotonic() - began:.0f} s:  {product.url}/\n")
    if known.get("admin_email"):
        say(f"  Sign in as  {known['admin_email']}\n  Password    {known['admin_password']}")
    else:
        say("  Sign in as one of the people of this base, which was there before; Settings → Keys makes keys.")
    if product.mail_port:
        say(f"  Mailbox     {product.url}/mailbox/   (every mail ends there; none leaves this machine)")
    if known.get("ingest_key"):
        say(f"  API keys    {product.home.started_file}")
    say(f"  Logs        {product.home.path / 'logs'}\n\nCtrl-C stops it.")
