"""The doorbells of flows: each looks for work, and may be lost, doubled or late."""

from celery import shared_task
from django.db import connection

from flows import crank
from workspace import doorbell, ticks

MONTHS_AHEAD = 6


@shared_task
def attend(rung: bool = False) -> None:
    """Look at what changed and move everybody who is due."""
    if rung:
        doorbell.answered("attend")
    elif not ticks.claim("attend", 1):
        return
    crank.turn()


@shared_task
def make_partitions() -> None:
    """Make the partitions of steps for the coming months."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tributary_make_partitions('flows_step', %s)", [MONTHS_AHEAD])
