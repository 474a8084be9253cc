"""Prepared statements, several of them in one trip to the database.

A batch of facts asks a dozen statements, always the same ones. Cursor by cursor, each would be read and planned anew,
and would cost this process more than the facts do. Here PostgreSQL plans each once for a connection, and those that need
no answer of one another travel together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache, partial
from itertools import count
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connections
from psycopg import errors, generators, pq
from psycopg.abc import PQGen
from psycopg.adapt import Transformer

Given = str | bytes | int | datetime | None
Send = Callable[[], None]
_names: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()
_numbers = count(1)
_here = local()


class Answer:
    """What a statement comes back with."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._result: Any = None

    def fill(self, line: psycopg.Connection[Any], result: Any) -> None:
        """Take what came back."""
        self._connection, self._result = line, result

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows, if the statement has any; of statements that travel together, once they all went."""
        assert self._result is not None, "the trip is not over"
        if self._result.status != pq.ExecStatus.TUPLES_OK:
            return []
        reader = Transformer(self._connection)
        reader.set_pgresult(self._result)
        return reader.load_rows(0, self._result.ntuples, tuple)


def ask(sql: str, parameters: Sequence[Given] = ()) -> Answer:
    """Ask a statement that is always the same text; say the type of a parameter (%s::text) that nothing else tells."""
    answer = Answer()
    asked = (sql, [_sent(value) for value in parameters], answer)
    if (waiting := getattr(_here, "waiting", None)) is not None:
        waiting.append(asked)
    else:
        _go([asked])
    return answer


@contextmanager
def together() -> Iterator[None]:
    """Let the statements asked inside go to the database in one trip, in their order."""
    if getattr(_here, "waiting", None) is not None:
        yield
        return
    waiting: list[tuple[str, list[bytes | None], Answer]] = []
    _here.waiting = waiting
    try:
        yield
    finally:
        _here.waiting = None
    if waiting:
        _go(waiting)


def array(values: Iterable[int | str]) -> str:
    """Write an array as PostgreSQL reads it from text: much faster than psycopg writes lists."""
    return "{" + ",".join([_quoted(one) if isinstance(one, str) else str(one) for one in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _sent(value: Given) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    if value is None or isinstance(value, bytes):
        return value
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


def _go(asked: Sequence[tuple[str, list[bytes | None], Answer]]) -> None:
    """Send all and take all answers; the first fault is raised, and those after it did not happen."""
    here = connections["default"]  # looked up once: the proxy looks again at each of its attributes
    here.ensure_connection()
    here.validate_no_broken_transaction()
    line: psycopg.Connection[Any] = here.connection
    known = _names.setdefault(line, {})
    new = {sql: b"trip_%d" % next(_numbers) for sql, _, _ in asked if sql not in known}
    sends: list[Send] = []
    if not line.autocommit and line.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        sends.append(partial(line.pgconn.send_query_params, b"BEGIN", None))
    sends += [partial(line.pgconn.send_prepare, name, _numbered(sql)) for sql, name in new.items()]
    names = {**known, **new} if new else known
    sends += [partial(line.pgconn.send_query_prepared, names[sql], given) for sql, given, _ in asked]
    with here.wrap_database_errors, line.lock:
        results = line.wait(_several(line.pgconn, sends) if len(sends) > 1 else _single(line.pgconn, sends[0]))
        for one in results:
            if one.status == pq.ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(one)
    known.update(new)
    for (sql, _, answer), result in zip(asked, results[-len(asked) :], strict=True):
        answer.fill(line, result)
        if here.queries_logged:
            here.queries_log.append({"sql": sql, "time": "0"})


def _single(pgconn: pq.abc.PGconn, send: Send) -> PQGen[list[Any]]:
    send()
    results: list[Any] = yield from generators.execute(pgconn)
    return results


def _several(pgconn: pq.abc.PGconn, sends: Sequence[Send]) -> PQGen[list[Any]]:
    """Send everything, then read as many answers; psycopg waits for the network and lets other threads run meanwhile."""
    pgconn.enter_pipeline_mode()
    try:
        for send in sends:
            send()
        pgconn.pipeline_sync()
        yield from generators.send(pgconn)
        results = []
        for _ in sends:
            results.append((yield from generators.fetch_many(pgconn))[-1])
        yield from generators.fetch_many(pgconn)  # the end of the trip
    except BaseException:
        pgconn.finish()  # nobody could tell any more which answer belongs to what
        raise
    pgconn.exit_pipeline_mode()
    return results


@lru_cache(maxsize=256)
def _numbered(sql: str) -> bytes:
    """Return a statement with its parameters as PostgreSQL counts them."""
    first, *rest = sql.split("%s")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))).replace("%%", "%").encode()
