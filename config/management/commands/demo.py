"""The demo: load real purchases with everything that makes them move, or go on sending new orders."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import live, loading


class Command(BaseCommand):
    """`demo --load` fills an empty base; `demo --live` sends orders dated now through HTTP."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, and how fast."""
        parser.add_argument("--load", action="store_true", help="load the purchases, segments, templates and flows")
        parser.add_argument("--customers", type=int, default=0, help="with --load: only the first so many customers")
        parser.add_argument("--live", action="store_true", help="send new orders until stopped")
        parser.add_argument("--per-minute", type=float, default=30.0, help="with --live: orders a minute")
        parser.add_argument("--orders", type=int, default=0, help="with --live: stop after so many")
        parser.add_argument("--url", default="", help="with --live: where to send; default: what started.json says")
        parser.add_argument("--key", default="", help="with --live: an ingest key; default: what started.json says")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["load"]:
            loading.load(self.say, options["customers"])
        if options["live"]:
            self.send(options)
        if not (options["load"] or options["live"]):
            raise CommandError("Say --load or --live.")

    def send(self, options: dict[str, Any]) -> None:
        """Send orders to the running server."""
        started = self.started()
        url, key = options["url"] or started.get("url"), options["key"] or started.get("ingest_key")
        if not url or not key or options["per_minute"] <= 0:
            raise CommandError(
                "Give --url, --key and a --per-minute above 0, or start the server with bin/start first."
            )
        try:
            live.send(url.rstrip("/"), key, options["per_minute"], self.say, options["orders"])
        except KeyboardInterrupt:
            self.say("Stopped.")

    def started(self) -> dict[str, Any]:
        """Return what the launcher wrote when it started, if it did."""
        try:
            return dict(json.loads((settings.TRIBUTARY_HOME / "started.json").read_text()))
        except (OSError, ValueError):
            return {}

    def say(self, text: str) -> None:
        """Print a line at once."""
        self.stdout.write(text)
        self.stdout.flush()
