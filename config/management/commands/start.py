"""`python manage.py start`: the same as bin/start, for those who have installed the requirements themselves."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Become the launcher."""

    help = "Start PostgreSQL, Valkey, web, worker and beat, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what bin/start takes."""
        parser.add_argument("--no-demo", action="store_true", help="leave a new base empty")
        parser.add_argument("--port", type=int, help="default: $PORT, else 8000")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process, so that a signal to it is a signal to the launcher."""
        command = [sys.executable, "-m", "config.launcher", "start"]
        command += ["--no-demo"] if options["no_demo"] else []
        command += ["--port", str(options["port"])] if options["port"] else []
        os.execv(sys.executable, command)  # noqa: S606 - no shell wanted
