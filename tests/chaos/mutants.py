"""Three ways to build it wrong, put over the product in test processes only; each must be found out.

`commit_before_call`  writes down that a message was sent before the provider is called.
`no_token_check`      lets a worker gate and record messages that somebody else has claimed since.
`no_unique_key`       gives every message a key of its own, so that nothing stands in the way of a second one.
"""

from collections.abc import Callable, Mapping, Sequence

from django.db import ProgrammingError, connection

from messaging import gate, outbox, queueing, settling
from messaging.channels import Line, Outgoing, Receipt
from messaging.claim import Claim
from messaging.models import Message
from workspace.crash import crashpoint


def commit_before_call() -> None:
    """Record first, call afterwards."""

    def say(
        taken: Claim, chunk: Sequence[Message], composed: tuple[Mapping[int, Outgoing], Mapping[int, str]], line: Line
    ) -> float:
        ready, faults = composed
        going = gate.gate(taken.token, chunk, faults)
        messages = [one for one in chunk if one.pk in going]
        settling.record(taken.token, [(one, Receipt("sent", provider_id="hoped")) for one in messages])
        crashpoint("after_gate")
        for one in messages:
            line.send(ready[one.pk], going[one.pk])
        return 0.0

    _replace(outbox, "_say", say)


def no_token_check() -> None:
    """Forget whose claim it is."""
    for module, name in ((gate, "FLIP"), (settling, "RECORD")):
        sql = getattr(module, name)
        _without(sql, "m.token = %s::uuid")
        _replace(module, name, sql.replace("m.token = %s::uuid", "%s::uuid IS NOT NULL"))


def no_unique_key() -> None:
    """Make keys that are never the same twice, in a table that would not mind if they were."""
    sql = _without(queueing.QUEUE, "ON CONFLICT (key) DO NOTHING")
    sql = sql.replace("SELECT d.*,", f"SELECT d.c1 || ':' || md5(random()::text), {_columns(2, 15)},")
    _replace(queueing, "QUEUE", sql.replace(") AS d", f") AS d({_columns(1, 15, '')})"))


def _columns(first: int, last: int, prefix: str = "d.") -> str:
    return ", ".join(f"{prefix}c{number}" for number in range(first, last + 1))


def _without(text: str, part: str) -> str:
    if part not in text:
        raise ProgrammingError(f"The mutant finds nothing to take away: {part}")
    return text.replace(part, "")


def _replace(module: object, name: str, value: object) -> None:
    if not hasattr(module, name):
        raise ProgrammingError(f"The mutant finds nothing to replace: {name}")
    setattr(module, name, value)


def drop_unique_key() -> None:
    """Take the constraint away from the database of this run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'messaging_message'::regclass AND contype = 'u'"
            " AND conkey = ARRAY[(SELECT attnum FROM pg_attribute"
            " WHERE attrelid = 'messaging_message'::regclass AND attname = 'key')]"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE messaging_message DROP CONSTRAINT "{name}"')


MUTANTS: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (commit_before_call, no_token_check, no_unique_key)
}


def become(name: str) -> None:
    """Turn this process into the mutant of this name; none when it is empty."""
    if name:
        MUTANTS[name]()
