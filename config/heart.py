"""Workers tick by themselves while the broker is silent: a lost Redis costs a second, not the night."""

import threading
from typing import Any

import structlog
from celery import Celery, bootsteps
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection, connections

log = structlog.get_logger()

PACE = 1.0  # seconds between looks
SILENCE = 2.0  # seconds without anybody's tick after which the worker ticks itself
TASKS = (
    "flows.tasks.attend",
    "messaging.tasks.deliver",
    "segmentation.tasks.pass_time",
    "messaging.tasks.reap",
    "segmentation.tasks.sync",
)
_NEWEST = """
SELECT slot, extract(epoch FROM tributary_now() - at)::float FROM workspace_tick WHERE job = %s
ORDER BY slot DESC LIMIT 1
"""


class Heart(bootsteps.StartStopStep):
    """A thread of the worker's first process that beats while nobody else does."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.stopped = threading.Event()
        self.thread: threading.Thread | None = None
        self.own: int | None = None  # the slot of the last tick that this heart made
        self.job = "attend"  # the job by whose ticks it hears whether somebody else beats
        self.tasks: tuple[str, ...] = TASKS

    def start(self, parent: Any) -> None:
        """Begin to listen for the work of this worker's own queues: who calls slow programs holds up nobody else's."""
        router, queues = parent.app.amqp.router, set(parent.app.amqp.queues.consume_from)
        self.tasks = tuple(one for one in TASKS if router.route({}, one)["queue"].name in queues)
        self.job = "attend" if "flows.tasks.attend" in self.tasks else "sync"
        self.thread = threading.Thread(target=self.listen, args=(parent.app,), name="heart", daemon=True)
        self.thread.start()

    def stop(self, parent: Any) -> None:
        """Listen no more; a beat under way is a transaction like any other."""
        self.stopped.set()

    terminate = stop

    def listen(self, app: Celery) -> None:
        """Look at once and then every second whether somebody ticks, and tick when nobody does."""
        while not self.stopped.is_set():
            try:
                if self.silent():
                    self.beat(app)
            except DatabaseError as error:
                log.warning("heart.database_trouble", error=str(error))
            except Exception:
                log.exception("heart.missed_a_beat")
            finally:
                connections.close_all()
            self.stopped.wait(PACE)

    def silent(self) -> bool:
        """Tell whether the last tick is old, or our own."""
        newest = newest_tick(self.job)
        return newest is None or newest[0] == self.own or newest[1] >= SILENCE

    def beat(self, app: Celery) -> None:
        """Do what the broker would have asked for; each job claims its slot, so that one heart of many does it."""
        for name in self.tasks:
            if name in app.tasks and not self.stopped.is_set():
                close_old_connections()
                app.tasks[name]()
        newest = newest_tick(self.job)
        if newest is not None and newest[0] != self.own:
            self.own = newest[0]
            log.info("heart.beat", slot=self.own)


def newest_tick(job: str = "attend") -> tuple[int, float] | None:
    """Return the slot of the newest tick of a job and its age in seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [job])
        row: tuple[int, float] | None = cursor.fetchone()
    return row
