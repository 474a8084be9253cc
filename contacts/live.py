"""Telling open pages that contacts moved, without keeping anybody who writes them waiting."""

import threading

from workspace import doorbell

GAP = 0.5  # seconds in which many batches make one ring; the last of them always rings
_waiting = threading.Event()


def poke_soon() -> None:
    """Ring the topics of this floor a moment from now, once for all who ask meanwhile."""
    if _waiting.is_set():
        return
    _waiting.set()
    timer = threading.Timer(GAP, _ring)
    timer.daemon = True
    timer.start()


def _ring() -> None:
    _waiting.clear()
    doorbell.poke(("contacts", "events"))
