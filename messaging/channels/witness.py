"""Providers that send nothing: one writes every call to a file outside the system, one only says yes."""

import json
import os
import time

from messaging.channels.base import Outgoing, Receipt


class WitnessLine:
    """Appends each call as one JSON line, so that a test can count what no database could have made up."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def send(self, outgoing: Outgoing, address: str) -> Receipt:
        """Write the call down."""
        call = {"key": outgoing.key, "channel": outgoing.channel, "to": address, "at": time.time(), "pid": os.getpid()}
        call["marketing"] = outgoing.marketing
        os.write(self.file, json.dumps(call).encode() + b"\n")
        return Receipt("sent", provider_id=f"witness-{outgoing.key}", answer={"status": 200, "body": ""})

    def close(self) -> None:
        """Close the file."""
        os.close(self.file)


class NullLine:
    """Says that everything was sent, for benches of everything around the call."""

    def send(self, outgoing: Outgoing, address: str) -> Receipt:
        """Say yes."""
        return Receipt("sent", provider_id=f"null-{outgoing.key}", answer={"status": 200, "body": ""})

    def close(self) -> None:
        """Do nothing."""
