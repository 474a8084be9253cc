"""Whether one process of the product is well, for the health checks of containers: `python -m config.well worker`.

A worker or beat that hangs still runs; what tells of it is how long ago it last did its work. Without Django, so that asking often costs little.
"""

import os
import sys
import urllib.request
from urllib.parse import urlsplit

import psycopg

_TICKED = "SELECT extract(epoch FROM tributary_now() - max(at))::float FROM workspace_tick WHERE job = %s"
_RANG = "SELECT extract(epoch FROM now() - max(last_run_at))::float FROM django_celery_beat_periodictask"
ASKED: dict[
    str, tuple[float, str, list[str]]
] = {  # the process → how old its last sign may be in seconds, and the sign
    "worker": (120.0, _TICKED, ["attend"]),
    "syncer": (120.0, _TICKED, ["sync"]),
    "beat": (600.0, _RANG, []),  # beat writes down what it rang every three minutes
}


def web(address: str) -> str:
    """Return what is wrong with the web process; "" when it is well."""
    # as a proxy would ask: the host is one of ours, and nobody is sent on to https
    host = urlsplit(os.environ.get("SITE_URL") or address).netloc
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{address}/readyz", headers={"Host": host, "X-Forwarded-Proto": "https"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=4) as answer:
            return "" if answer.status == 200 else f"/readyz answers {answer.status}"
    except OSError as error:
        return f"/readyz: {error}"


def working(process: str, database_url: str) -> str:
    """Return what is wrong with a process that works behind the scenes; "" when it is well."""
    limit, asked, values = ASKED[process]
    try:
        with psycopg.connect(database_url, connect_timeout=4, application_name="tributary-well") as connection:
            row = connection.execute(asked.encode(), values).fetchone()
    except psycopg.Error as error:
        return f"the database cannot be asked ({error})"
    age = row[0] if row else None
    if age is None:
        return f"{process} has never worked on this base"
    return "" if age <= limit else f"{process} last worked {age:.0f} s ago"


def main(arguments: list[str]) -> str:
    """Ask for the process named; what is wrong, or ""."""
    if arguments == ["web"]:
        return web(f"http://127.0.0.1:{os.environ.get('PORT') or 8000}")
    if len(arguments) == 1 and arguments[0] in ASKED:
        return working(arguments[0], os.environ["DATABASE_URL"])
    return f"Say one of: web, {', '.join(ASKED)}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)  # a sentence is printed and counts as 1
