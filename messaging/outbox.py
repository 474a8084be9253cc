"""The outbox: claim, gate, call with no transaction open, record; and the reaper for what a dead worker left behind.

A chunk opens its gates in one commit, so a worker that dies leaves at most its chunk in doubt (`MOST`, and less where
calls are slow: a chunk shrinks until its calls take a quarter of a second). Marking each message just before its own
call would leave one in doubt, at the price of a durable commit per message instead of one per chunk: as many fsyncs as
mails, where one decides for a hundred, and one more write of a row that eight indexes know.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import InterfaceError, OperationalError, connection

from messaging.channels import Line, Outgoing, Receipt, line_for
from messaging.claim import LEASE, Claim, claim, give_back
from messaging.composing import compose
from messaging.gate import gate
from messaging.language import TemplateFault
from messaging.models import TEXTS, Channel, Message, Sender
from messaging.settling import record
from workspace import clock, doorbell
from workspace.crash import crashpoint
from workspace.models import Workspace

log = structlog.get_logger()

MOST = int(os.environ.get("MESSAGING_CHUNK", "100"))  # so many at most are in doubt when a worker dies
FIRST = 20
QUICK = 0.25  # seconds of calls between two gates: who unsubscribes waits no longer than this for what is under way
AT_ONCE = 16  # calls to other programs side by side
ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_pace: dict[str, int] = {}  # channel → how many this process could say at once, the last time
CHANNELS: tuple[tuple[str, ...], ...] = (("email", "staff"), TEXTS, ("webhook",))


def deliver(limit: int = 500) -> int:
    """Send what is due, up to this many per channel, and return how many messages were taken up."""
    return sum(_deliver(channels, limit) for channels in CHANNELS)


def _deliver(channels: Sequence[str], limit: int) -> int:
    taken = claim(limit if "webhook" not in channels else min(limit, AT_ONCE * 4), channels, clock.now())
    if not taken.messages:
        return 0
    crashpoint("after_claim")
    started = time.monotonic()
    line = line_for(channels[0])
    try:
        _work_off(taken, line, started)
    finally:
        line.close()
        doorbell.poke(["messages"])
        doorbell.ring("attend")
    return len(taken.messages)


def _work_off(taken: Claim, line: Line, started: float) -> None:
    """Go through the claimed messages chunk by chunk, and give back what the lease leaves no time for."""
    house = Workspace.objects.get(pk=1)
    sender = Sender.objects.filter(channel=Channel.EMAIL, is_default=True).first()
    kind = taken.messages[0].channel
    rest, size = taken.messages, AT_ONCE if kind == Channel.WEBHOOK else min(_pace.get(kind, FIRST), MOST)
    while rest:
        if _used(started) > 0.4:
            give_back(taken.token, [one.pk for one in rest])
            return
        chunk, rest = rest[:size], rest[size:]
        spent = _say(taken, chunk, _composed(chunk, house, sender), line)
        if kind != Channel.WEBHOOK:
            _pace[kind] = size = min(size * 2, MOST) if spent < QUICK / 2 else max(1, size // 2)


def _used(since: float) -> float:
    """Return which part of the lease has passed."""
    return (time.monotonic() - since) / LEASE.total_seconds()


def _composed(
    chunk: Sequence[Message], house: Workspace, sender: Sender | None
) -> tuple[dict[int, Outgoing], dict[int, str]]:
    """Render a chunk: what would go, and what cannot be rendered and why; one failure fails one message."""
    ready: dict[int, Outgoing] = {}
    faults: dict[int, str] = {}
    for one in chunk:
        try:
            ready[one.pk] = compose(one, house, one.sender or sender)
        except TemplateFault as fault:
            faults[one.pk] = str(fault)
        except ODD as error:  # whatever a strange message does, its batch goes on
            log.error("message.unreadable", message=one.pk, error=str(error)[:200])
            faults[one.pk] = f"The message cannot be composed: {type(error).__name__}."
    return ready, faults


def _say(
    taken: Claim, chunk: Sequence[Message], composed: tuple[dict[int, Outgoing], dict[int, str]], line: Line
) -> float:
    """Gate, call and record a chunk; return the seconds of calls, not those of a busy database, which chunks spare."""
    ready, faults = composed
    gated = time.monotonic()
    going = gate(taken.token, chunk, faults)
    crashpoint("after_gate")
    before = time.monotonic()
    called = list(_call([one for one in chunk if one.pk in going], ready, going, line, gated))
    spent = time.monotonic() - before
    crashpoint("before_record")
    _record_surely(taken, called)
    return spent


def _call(
    messages: Sequence[Message], ready: Mapping[int, Outgoing], going: Mapping[int, str], line: Line, gated: float
) -> Iterator[tuple[Message, Receipt]]:
    """Call the provider once for each, with no transaction open."""

    def one_call(message: Message) -> tuple[Message, Receipt] | None:
        if _used(gated) > 0.8:
            return None  # this process was stopped for long: the reaper decides what becomes of the message
        receipt = line.send(ready[message.pk], going[message.pk])
        crashpoint("after_provider_call")
        return message, receipt

    if messages and messages[0].channel == Channel.WEBHOOK:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from filter(None, pool.map(one_call, messages))
    else:
        yield from filter(None, map(one_call, messages))


def _record_surely(taken: Claim, called: Sequence[tuple[Message, Receipt]]) -> None:
    """Record, again over a new connection while the database comes back: what was said must not become unknown."""
    for pause in (0.2, 0.5, 1.0, 2.0, 4.0):
        try:
            record(taken.token, called)
            return
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            log.warning("outbox.record_again", error=str(error))
            connection.close()
            time.sleep(pause)
    record(taken.token, called)
