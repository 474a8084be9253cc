"""What stands outside: a real mail server and a real web server, in a process of their own that nobody kills.

    python -m tests.chaos.post_office <file>     prints {"mail": port, "web": port}, then writes down whatever comes

Each call is one JSON line in the file, as the witness line writes them: key, channel, to, at, marketing.
"""

import asyncio
import email
import email.policy
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP

_OUT = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if __name__ == "__main__" else 2


def write_down(**call: Any) -> None:
    """Keep one call, whole whatever else is being written."""
    os.write(_OUT, json.dumps({**call, "at": time.time()}).encode() + b"\n")


class Postman:
    """Takes every mail."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep one mail."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        marketing = "List-Unsubscribe" in mail
        write_down(key=mail["X-Tributary-Key"], channel="email", to=", ".join(envelope.rcpt_tos), marketing=marketing)
        return "250 OK"


class Clerk(BaseHTTPRequestHandler):
    """Answers every call, and says which it was."""

    def do_POST(self) -> None:
        """Keep one call."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        write_down(key=self.headers["webhook-id"], channel="webhook", to=self.path, marketing=False)
        answer = b'{"ok": "heard"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *said: Any) -> None:
        """Say nothing."""


class Counter(ThreadingHTTPServer):
    """A web server that keeps a long queue."""

    request_queue_size = 256
    daemon_threads = True


async def open_doors() -> None:
    """Serve until killed."""
    web = Counter(("127.0.0.1", 0), Clerk)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(Postman(), loop=loop), "127.0.0.1", 0)
    print(json.dumps({"mail": mail.sockets[0].getsockname()[1], "web": web.server_port}), flush=True)
    await mail.serve_forever()


if __name__ == "__main__":
    asyncio.run(open_doors())
