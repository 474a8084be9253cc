"""Ask every invariant of the house; each is a query whose rows are what breaks it."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

APPS = ("workspace", "contacts", "segmentation", "messaging", "flows")
SHOWN = 5


def checks() -> Iterator[tuple[str, str]]:
    """Yield (name, SQL) of every invariant that the apps declare in their `invariants.py`."""
    for app in APPS:
        if find_spec(f"{app}.invariants"):
            yield from import_module(f"{app}.invariants").CHECKS.items()


def violations() -> dict[str, list[tuple[Any, ...]]]:
    """Return the first offending rows of every invariant that does not hold."""
    broken: dict[str, list[tuple[Any, ...]]] = {}
    with connection.cursor() as cursor:
        for name, sql in checks():
            cursor.execute(sql)
            rows = cursor.fetchmany(SHOWN)
            if rows:
                broken[name] = rows
    return broken


class Command(BaseCommand):
    """Print each invariant and whether it holds; fail when one does not."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask them all."""
        broken = violations()
        for name, _ in checks():
            self.stdout.write(f"{'BROKEN' if name in broken else 'holds '}  {name}")
            for row in broken.get(name, []):
                self.stdout.write(f"        {row}")
        if broken:
            raise CommandError(f"{len(broken)} invariants do not hold.")
