"""The shell of downstream sync: some destinations at a time, each in a thread of its own, each call with one deadline."""

import os
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from django.db import connections

from segmentation import delivering, destinations, exporting, gathering, payloads
from segmentation.delivering import Claimed, Outcome
from segmentation.destination_models import FILES
from segmentation.models import Delivery, Destination
from workspace import calling, doorbell, signing
from workspace.crash import crashpoint

log = structlog.get_logger()

AT_ONCE = int(os.environ.get("SYNC_AT_ONCE", "8"))
SLOW_AT_ONCE = max(1, AT_ONCE // 2)  # slow destinations never take all the places
DEADLINE = 15.0  # seconds for one call, all of it
SHARE = 5.0  # seconds after which a destination lets others go first
TURN = 20.0


def turn(seconds: float = TURN) -> int:
    """Serve the destinations that have something to do until none has or the time is over; return how many were served."""
    destinations.ask_for_what_is_due()
    ends, served = time.monotonic() + seconds, 0
    running: dict[Future[None], Claimed] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sync") as pool:
        while True:
            claimed = _claim(list(running.values())) if time.monotonic() < ends else []
            running |= {pool.submit(_serve_apart, one): one for one in claimed}
            served += len(claimed)
            if not running:
                return served
            for done in wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
                del running[done]


def _claim(running: list[Claimed]) -> list[Claimed]:
    room = AT_ONCE - len(running)
    quick = delivering.claim(room, (False,)) if room > 0 else []
    slow_room = min(room - len(quick), SLOW_AT_ONCE - sum(one.slow for one in running))
    return [*quick, *(delivering.claim(slow_room, (True,)) if slow_room > 0 else [])]


def _serve_apart(claimed: Claimed) -> None:
    try:
        serve(claimed)
    except Exception:  # one destination's trouble is not another's; its lease ends and it is served again
        log.exception("sync.trouble", destination=claimed.id)
    finally:
        connections.close_all()


def serve(claimed: Claimed) -> None:
    """Gather what is new for a destination and work off its deliveries in order, until one must wait."""
    ends = time.monotonic() + SHARE
    worked = gathering.gather(claimed.id, claimed.token)
    while time.monotonic() < ends:
        taken = delivering.take_next(claimed)
        if taken is None:
            if not gathering.gather(claimed.id, claimed.token):
                break
            continue
        deliver(claimed, *taken)
        worked += 1
    delivering.release(claimed)
    if worked:
        doorbell.poke(["destinations", f"destination:{claimed.id}"])


def deliver(claimed: Claimed, destination: Destination, delivery: Delivery) -> None:
    """Make one call or write one file, with no transaction open, and record what became of it."""
    crashpoint("sync_before_call")
    if delivery.kind in FILES:
        exporting.export(claimed, destination, delivery)
        return
    outcome = call(destination, delivery)
    crashpoint("sync_before_record")
    delivering.record(claimed, delivery, outcome)


def call(destination: Destination, delivery: Delivery) -> Outcome:
    """Call another program once, signed, and say what it answered."""
    body = payloads.body_of(delivery, destination)
    signatures = signing.signed(delivery.key, body, destinations.secrets_of(destination))
    headers = {"Content-Type": "application/json; charset=utf-8", **signatures}
    began = time.monotonic()
    try:
        answer = calling.call("POST", destination.url, headers=headers, body=body.encode(), deadline=DEADLINE)
    except (calling.NotCalled, calling.NoAnswer) as error:
        return Outcome(False, _ms(began), error=str(error))
    return delivering.judge(answer, _ms(began))


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
