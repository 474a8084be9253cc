"""Run the mail catcher of the embedded default."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from messaging.catcher import serve


class Command(BaseCommand):
    """Take mail over SMTP and keep it for /mailbox/."""

    help = "Take mail over SMTP and keep it, so that it can be read at /mailbox/; nothing is delivered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where to listen."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Serve until told to stop."""
        asyncio.run(self._until_told(host, port))

    async def _until_told(self, host: str, port: int) -> None:
        work = asyncio.ensure_future(serve(host, port, lambda at: self.stdout.write(f"Mail is taken at {host}:{at}.")))
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            self.stdout.write("Stopped.")
